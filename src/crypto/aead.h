/*
 * Authenticated encryption with associated data, by name: "aes-256-gcm" (NIST SP 800-38D),
 * "chacha20-poly1305" (RFC 8439). Each takes a key of 32 bytes, a nonce of 12 that is never used
 * twice under one key, and gives a tag of 16. An object may be used by several threads at once.
 */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/span.h"

enum { AEAD_KEY = 32, AEAD_NONCE = 12, AEAD_TAG = 16 };

struct aead;

/* One way to do it. A new one is a member of the table in aead.c. */
struct aead_kind {
    const char *name;
    const char *provider;    /* whose code it is: "OpenSSL", "ipsec-mb" */
    bool (*is_usable)(void); /* on this processor; NULL: on every one */
    /* NULL: no memory, or the library refused */
    struct aead *(*open)(const struct aead_kind *kind, const uint8_t key[AEAD_KEY]);
    bool (*seal)(struct aead *aead, const uint8_t nonce[AEAD_NONCE], struct span bound,
                 const uint8_t *in, uint8_t *out, size_t len, uint8_t tag[AEAD_TAG]);
    bool (*unseal)(struct aead *aead, const uint8_t nonce[AEAD_NONCE], struct span bound,
                   const uint8_t *in, uint8_t *out, size_t len, const uint8_t tag[AEAD_TAG]);
    void (*close)(struct aead *aead);
};

/* The first member of every one. */
struct aead {
    const struct aead_kind *kind;
};

/* The first one of this name that is usable here; NULL where there is none. */
const struct aead_kind *aead_find(const char *name);

/* Every one, also those that are not usable here; NULL after the last. One name may have several,
 * the fastest first, and all of them give the same bytes. */
const struct aead_kind *aead_kind_at(size_t index);

/* Does this processor do AES fast enough that it is to be preferred? */
bool aead_prefers_aes(void);

/* NULL: no memory. The key is kept in the object's own state, which aead_close wipes. */
struct aead *aead_open(const struct aead_kind *kind, const uint8_t key[AEAD_KEY]);

/*
 * `bound` is authenticated and not encrypted. `in` and `out` may be the same place, and may not
 * overlap otherwise; `len` may be 0. False where the library failed.
 */
bool aead_seal(struct aead *aead, const uint8_t nonce[AEAD_NONCE], struct span bound,
               const void *in, void *out, size_t len, uint8_t tag[AEAD_TAG]);

/* False where it is not authentic, and then `out` is zeros. */
bool aead_unseal(struct aead *aead, const uint8_t nonce[AEAD_NONCE], struct span bound,
                 const void *in, void *out, size_t len, const uint8_t tag[AEAD_TAG]);

/* Harmless on NULL. */
void aead_close(struct aead *aead);

#endif
