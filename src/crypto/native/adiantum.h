/*
 * Adiantum: a wide block cipher, in which each bit of a sector depends on every other. A stream
 * cipher does the work, between two sums of a hash; where the processor has no instructions
 * for AES it is the fast one.
 *
 * Source: Crowley and Biggers, "Adiantum: length-preserving encryption for entry-level
 * processors", IACR ToSC 2018, section 2.
 */
#ifndef CRYPTO_NATIVE_ADIANTUM_H
#define CRYPTO_NATIVE_ADIANTUM_H

#include "base/fault.h"
#include "base/secret.h"

enum { ADIANTUM_KEY = 32, ADIANTUM_TWEAK = 32, ADIANTUM_LEAST = 16 };

/* What a key expands to. */
struct adiantum {
    unsigned rounds;    /* of XChaCha: 12 or 20 */
    struct secret keys; /* a struct adiantum_keys */
};

/* RC_MEMORY; `a` must be {0}, and is cleared with adiantum_clear. */
enum rc adiantum_init(struct adiantum *a, unsigned rounds, const struct secret *key,
                      struct fault *why);
void adiantum_clear(struct adiantum *a);

/* What one call uses besides; not to be shared between threads. */
struct adiantum_tools {
    struct poly1305 *poly;
    struct aes_block *block; /* of one direction */
};

/* RC_MEMORY; to be cleared also then. */
enum rc adiantum_tools_init(struct adiantum_tools *tools, const struct adiantum *a,
                            bool encrypt, struct fault *why);
void adiantum_tools_clear(struct adiantum_tools *tools);

/* `len` bytes, ADIANTUM_LEAST or more, from `in` to `out`, which may be the same place. False:
 * the library failed. */
bool adiantum_crypt(const struct adiantum *a, const struct adiantum_tools *tools, bool encrypt,
                    const uint8_t tweak[ADIANTUM_TWEAK], const uint8_t *in, uint8_t *out,
                    size_t len);

#endif
