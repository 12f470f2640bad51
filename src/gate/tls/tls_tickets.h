/* Tickets by which clients take sessions up again: their keys, which files give or chance does; for this room alone. */
#ifndef GATE_TLS_TLS_TICKETS_H
#define GATE_TLS_TLS_TICKETS_H

#include <openssl/ssl.h>

#include "base/fault.h"
#include "base/span.h"

/* Where the library has the private keys, too: locked memory is not a forked worker's. {0} is none. */
struct tls_tickets {
    struct ticket_key *keys; /* the first is for new tickets */
    size_t count;
};

/*
 * The keys of `files`, in their order; without a file, one by chance.
 *
 * RC_IO      a file cannot be read
 * RC_FORMAT  a file has not 48 or 80 bytes
 */
enum rc tls_tickets_open(struct tls_tickets *tickets, const struct span *files, size_t count,
                         struct fault *why);

/* For SSL_CTX_set_tlsext_ticket_key_evp_cb: as that wants it, with these keys. */
int tls_tickets_use(const struct tls_tickets *tickets, SSL *ssl, unsigned char name[16],
                    unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypts);

/* Harmless on {0}. */
void tls_tickets_clear(struct tls_tickets *tickets);

#endif
