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

/* One way to do it. A new one is a member of the table in siv.c. */
struct siv_kind {
    const char *provider;    /* whose code it is: "native", "libgcrypt" */
    bool (*is_usable)(void); /* on this processor; NULL: on every one */
    /* NULL: no memory, or the library refused */
    struct siv *(*open)(const struct siv_kind *kind, const uint8_t key[SIV_KEY]);
    bool (*seal)(struct siv *siv, const struct span *bound, size_t count, const uint8_t *in,
                 size_t len, uint8_t *out);
    bool (*unseal)(struct siv *siv, const struct span *bound, size_t count, const uint8_t *in,
                   size_t len, uint8_t *out);
    void (*close)(struct siv *siv);
};

/* The first member of every one. */
struct siv {
    const struct siv_kind *kind;
};

/* Every one, also those that are not usable here, the fastest first; NULL after the last. All of
 * them give the same bytes. */
const struct siv_kind *siv_kind_at(size_t index);

/* The first that is usable. RC_USAGE for a key of another size; RC_UNSUPPORTED where there is none.
 * The key is kept in the object's own state, which siv_close wipes. */
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
