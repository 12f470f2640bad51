/* What the two sides share; for the files of this room alone. */
#ifndef GATE_TLS_TLS_STREAM_H
#define GATE_TLS_TLS_STREAM_H

#include <openssl/ssl.h>

#include "gate/tls/tls.h"
#include "gate/tls/tls_client.h"
#include "gate/tls/tls_server.h"

enum { TLS_NAME_MAX = 255 };

/* The state of a stream, and OpenSSL's app data of its SSL. */
struct tls {
    SSL *ssl;
    bool failed;                    /* nothing more may be asked of it */
    bool greeted;                   /* a client's first byte was seen, and is one of TLS */
    const struct tls_server *first; /* of a client: who answers where it names nobody */
    tls_choose *choose;
    tls_evaluate *evaluate;
    void *of;
    struct fault lacks; /* RC_OK, or why there was no certificate */
    struct tls_client *client;
    char name[TLS_NAME_MAX + 1]; /* whom a client asked for */
};

/* A new SSL over the fd of a plain stream, which becomes a TLS stream. */
enum rc tls_begin(struct stream *s, SSL_CTX *context, struct tls **out, struct fault *why);

/* What both sides set alike. */
enum rc tls_prepare(SSL_CTX *context, unsigned protocols, struct span ciphers,
                    struct fault *why);

/* Fills `why` with what was tried and the oldest of OpenSSL's errors, and forgets these. */
enum rc tls_fail(struct fault *why, enum rc rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
