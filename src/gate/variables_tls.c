/* $ssl_...: what was agreed with the client, and what it said of itself. */
#include "gate/request.h"
#include "gate/tls/tls.h"
#include "gate/tls/tls_peer.h"
#include "gate/variables.h"

bool variables_tls(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    const struct stream *s = &r->client->stream;

    (void)rest;
    if (!tls_is(s))
        return false;
    switch ((enum variables_tls)of) {
    case VARIABLES_TLS_PROTOCOL:
        *value = span_text(tls_protocol(s));
        break;
    case VARIABLES_TLS_CIPHER:
        *value = span_text(tls_cipher(s));
        break;
    case VARIABLES_TLS_NAME:
        *value = tls_server_name(s);
        break;
    case VARIABLES_TLS_REUSED:
        *value = tls_is_reused(s) ? SPAN("r") : SPAN(".");
        break;
    case VARIABLES_TLS_EARLY: /* gate takes none */
        *value = SPAN("");
        break;
    }
    return value->len > 0;
}

bool variables_peer(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    char made[TLS_PEER_MAX];
    struct buffer text = buffer_over(made, sizeof made);

    (void)rest;
    if (!tls_is(&r->client->stream) ||
        !tls_peer_write(&r->client->stream, (enum tls_peer)of, &text) || text.full)
        return false;
    *value = arena_copy(&r->arena, buffer_span(&text));
    return value->at != NULL;
}
