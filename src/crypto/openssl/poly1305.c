#include "crypto/openssl/poly1305.h"

#include <string.h>

#include <openssl/evp.h>

#include "base/secret.h"

static EVP_MAC_CTX *context_of(struct poly1305 *p)
{
    return (EVP_MAC_CTX *)(void *)p;
}

struct poly1305 *poly1305_open(void)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "POLY1305", NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;

    EVP_MAC_free(mac); /* the context holds it */
    return (struct poly1305 *)(void *)context;
}

bool poly1305_hash(struct poly1305 *p, const uint8_t r[POLY1305_SIZE], const void *at,
                   size_t len, uint8_t out[POLY1305_SIZE])
{
    uint8_t key[2 * POLY1305_SIZE] = {0};
    size_t size;
    bool done;

    memcpy(key, r, POLY1305_SIZE);
    done = EVP_MAC_init(context_of(p), key, sizeof key, NULL) == 1 &&
           EVP_MAC_update(context_of(p), at, len) == 1 &&
           EVP_MAC_final(context_of(p), out, &size, POLY1305_SIZE) == 1;
    wipe(key, sizeof key);
    return done;
}

void poly1305_close(struct poly1305 *p)
{
    EVP_MAC_CTX_free(context_of(p));
}
