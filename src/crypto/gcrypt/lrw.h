/*
 * LRW: each block is XORed, before and after a block cipher, with a product of the number of the
 * block and a key in GF(2^128). What was used before XTS.
 *
 * Source: Liskov, Rivest, Wagner, "Tweakable Block Ciphers"; IEEE P1619 draft of 2005.
 */
#ifndef CRYPTO_GCRYPT_LRW_H
#define CRYPTO_GCRYPT_LRW_H

#include "base/secret.h"

enum { LRW_BLOCK = 16 };

struct lrw {
    struct secret powers; /* the key times 1, x, x^2 .. x^127 */
};

/* RC_MEMORY; `lrw` must be {0}, and is cleared with lrw_clear. */
enum rc lrw_init(struct lrw *lrw, const uint8_t key[LRW_BLOCK], struct fault *why);
void lrw_clear(struct lrw *lrw);

/*
 * The products for `len` bytes of blocks, the first of which has the number `index`, 128 bits in
 * big endian. No address and no branch depends on the key.
 */
void lrw_tweaks(const struct lrw *lrw, const uint8_t index[LRW_BLOCK], uint8_t *out,
                size_t len);

#endif
