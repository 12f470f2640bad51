/*
 * XChaCha with a number of rounds that no library offers: the stream cipher of Adiantum. Its
 * speed comes from eight blocks at a time; no branch and no address depends on a key or data.
 *
 * Sources: Bernstein, "ChaCha, a variant of Salsa20"; draft-irtf-cfrg-xchacha-03 (HChaCha and
 * the long nonce, here with the 64-bit counter of the original ChaCha).
 */
#ifndef CRYPTO_NATIVE_CHACHA_H
#define CRYPTO_NATIVE_CHACHA_H

#include <stddef.h>
#include <stdint.h>

enum { CHACHA_KEY = 32, XCHACHA_NONCE = 24 };

/* `len` bytes from `in` to `out`, which may be the same place. `rounds` is even. */
void xchacha_crypt(unsigned rounds, const uint8_t key[CHACHA_KEY],
                   const uint8_t nonce[XCHACHA_NONCE], const uint8_t *in, uint8_t *out,
                   size_t len);

#endif
