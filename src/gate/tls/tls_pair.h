/* A certificate with what stands between it and the root, and its key; for this room alone. */
#ifndef GATE_TLS_TLS_PAIR_H
#define GATE_TLS_TLS_PAIR_H

#include <openssl/ssl.h>

#include "base/fault.h"
#include "base/span.h"

struct tls_pair {
    X509 *leaf;
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
};

/*
 * Each is the path of a PEM file, or "data:" and what would be in it; one of the phrases of a file may open the key.
 *
 * RC_IO      the file of phrases cannot be read
 * RC_FORMAT  a file cannot be read or holds none, or they do not belong together
 */
enum rc tls_pair_read(struct tls_pair *pair, struct span certificate, struct span key,
                      struct span phrases, struct fault *why);

/* Harmless on {0}. */
void tls_pair_clear(struct tls_pair *pair);

/* What of such a word may be told: not what is behind "data:". */
struct span tls_pair_shown(struct span source);

#endif
