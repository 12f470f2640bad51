/* Which server a request is for, and whether that one may answer it. */
#include "gate/conf/regex.h"
#include "gate/http/uri.h"
#include "gate/request.h"
#include "gate/route/server_names.h"
#include "gate/tls/tls.h"
#include "gate/tls/tls_peer.h"
#include "gate/trace.h"

static bool have_same_authorities(const struct tls_settings *a, const struct tls_settings *b)
{
    return span_equal(a->client_certificate, b->client_certificate) &&
           span_equal(a->trusted_certificate, b->trusted_certificate) &&
           span_equal(a->crl, b->crl) && a->verify_depth == b->verify_depth;
}

/* What is known of the client's certificate was found by the rules of the server that its TLS began with. */
static bool is_judged_by_others(const struct request *r)
{
    const struct server *greeted = r->client->server;

    return greeted != r->server && greeted->tls.verify_client != TLS_VERIFY_OFF &&
           (tls_server_name(&r->client->stream).len > 0 ||
            (r->server->tls.verify_client != TLS_VERIFY_OFF &&
             !have_same_authorities(&greeted->tls, &r->server->tls)));
}

static enum rc check_certificate(struct request *r)
{
    struct fault why = {0};
    unsigned status;

    if (!tls_is(&r->client->stream))
        return RC_OK;
    if (is_judged_by_others(r))
        return request_refuse(r, 421, "its TLS was begun with another server");
    status = tls_peer_refusal(&r->client->stream,
                              (enum tls_verify)r->server->tls.verify_client, &why);
    return status ? request_refuse(r, status, why.text) : RC_OK;
}

void request_guess_server(struct request *r)
{
    const struct field *field = head_find(&r->head.head, FIELD_HOST);
    struct span authority = h1_request_authority(&r->head);
    const struct server *server;
    size_t len = 0;
    char *host;

    if (authority.len == 0 && field)
        authority = field_value(&r->head.head, field);
    if (authority.len == 0 || !(host = request_memory(r, authority.len + 1)) ||
        uri_host(authority, host, &len) != RC_OK)
        return;
    server = server_names_find(r->client->listener->names, span_of(host, len), &r->captures);
    if (!server || (tls_is(&r->client->stream) && server != r->client->server &&
                    server->tls.verify_client != TLS_VERIFY_OFF))
        return;
    r->host = span_of(host, len);
    r->server = server;
    r->location = &server->outer;
}

enum rc request_find_server(struct request *r)
{
    const struct field *field = head_find(&r->head.head, FIELD_HOST);
    struct span authority = h1_request_authority(&r->head);
    const uint64_t given_up = regex_given_up();
    const struct server *server;
    size_t len = 0;
    char *host;

    if (authority.len == 0 && field)
        authority = field_value(&r->head.head, field);
    if (authority.len > 0) {
        if (!(host = request_memory(r, authority.len + 1)))
            return RC_MEMORY;
        if (uri_host(authority, host, &len) != RC_OK)
            return request_refuse(r, 400, "its Host is invalid");
        r->host = span_of(host, len);
    }
    server = server_names_find(r->client->listener->names, r->host, &r->captures);
    if (regex_given_up() != given_up)
        return request_refuse(r, 500, "its Host takes a server_name too many steps");
    r->server = server ? server : r->client->listener->default_server;
    r->location = &r->server->outer;
    request_trace(r, r->server->outer.node, "%s",
                  server ? "the server that has this name"
                         : "the default server of the address");
    if (r->host.len == 0)
        r->host = r->server->name;
    return check_certificate(r);
}
