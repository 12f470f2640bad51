/* What a client said of itself by TLS: its certificate, and what it offered. */
#ifndef GATE_TLS_TLS_PEER_H
#define GATE_TLS_TLS_PEER_H

#include <stdbool.h>

#include "base/bytes.h"
#include "gate/tls/tls_settings.h"
#include "io/stream.h"

enum tls_peer {
    TLS_PEER_PEM,
    TLS_PEER_PEM_LINES, /* with a tab in front of each line but the first: a header field of old */
    TLS_PEER_PEM_ESCAPED,
    TLS_PEER_SUBJECT, /* RFC 2253 */
    TLS_PEER_ISSUER,
    TLS_PEER_SUBJECT_LEGACY, /* "/C=.../CN=..." */
    TLS_PEER_ISSUER_LEGACY,
    TLS_PEER_SERIAL,
    TLS_PEER_FINGERPRINT, /* SHA-1 */
    TLS_PEER_VERIFY,      /* NONE, SUCCESS, FAILED:reason */
    TLS_PEER_BEGIN,
    TLS_PEER_END,
    TLS_PEER_REMAIN, /* days */
    TLS_PEER_SESSION,
    TLS_PEER_ALPN,
    TLS_PEER_CIPHERS, /* that it offered */
    TLS_PEER_CURVE,
    TLS_PEER_CURVES, /* that it offered */
};

enum { TLS_PEER_MAX = 16 << 10 }; /* bytes of what is written here; more is left out */

/* On a stream of TLS behind its handshake. False where there is nothing of it. */
bool tls_peer_write(const struct stream *s, enum tls_peer what, struct buffer *out);

/*
 * May its requests be answered? 0, or the status that refuses them, with the reason in `why`.
 *
 *   495  its certificate is not to be believed
 *   496  it has none
 */
unsigned tls_peer_refusal(const struct stream *s, enum tls_verify rules, struct fault *why);

#endif
