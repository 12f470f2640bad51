/* Poly1305 as a universal hash: without the nonce that is added to it in a MAC. */
#ifndef CRYPTO_OPENSSL_POLY1305_H
#define CRYPTO_OPENSSL_POLY1305_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POLY1305_SIZE = 16 };

struct poly1305; /* serves one call at a time */

/* NULL where there is no memory. */
struct poly1305 *poly1305_open(void);

/* The hash of `len` bytes under the key `r`, which is clamped here; false: the library failed. */
bool poly1305_hash(struct poly1305 *p, const uint8_t r[POLY1305_SIZE], const void *at,
                   size_t len, uint8_t out[POLY1305_SIZE]);

/* Harmless on NULL. */
void poly1305_close(struct poly1305 *p);

#endif
