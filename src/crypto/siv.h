/*
 * AES-256-SIV (RFC 5297): deterministic authenticated encryption, with a key of 64 bytes. Equal
 * texts with equal strings bound to them give equal bytes, and nothing else shows. An object may
 * be used by several threads at once.
 */
#ifndef CRYPTO_SIV_H
#define CRYPTO_SIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/secret.h"

enum { SIV_KEY = 64, SIV_TAG = 16 };

struct siv;

/* RC_USAGE for a key of another size; RC_UNSUPPORTED where the library has no AES-SIV. The key is
 * kept in the object's own state, which siv_close wipes. */
enum rc siv_open(struct siv **out, const struct secret *key, struct fault *why);

/*
 * Writes SIV_TAG + len bytes, the synthetic IV first; `in` and `out` do not overlap. `bound` are
 * `count` strings, each authenticated apart. `len` is not 0. False where the library failed.
 */
bool siv_seal(struct siv *siv, const struct span *bound, size_t count, const void *in,
              size_t len, void *out);

/* The other way: `len` bytes, more than SIV_TAG, give len - SIV_TAG. False where it is not authentic. */
bool siv_unseal(struct siv *siv, const struct span *bound, size_t count, const void *in,
                size_t len, void *out);

/* Harmless on NULL. */
void siv_close(struct siv *siv);

#endif
