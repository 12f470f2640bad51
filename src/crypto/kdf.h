/*
 * From a passphrase to a key, slowly: PBKDF2 (RFC 8018, 5.2), Argon2i and Argon2id (RFC 9106,
 * version 0x13). What a header asks for is bounded by kdf_check before any work is done or
 * memory is taken.
 */
#ifndef CRYPTO_KDF_H
#define CRYPTO_KDF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "crypto/hash.h"

enum {
    KDF_SALT_MAX = 64,            /* bytes */
    KDF_MEMORY_MAX_KIB = 4 << 20, /* 4 GiB, the most that cryptsetup makes */
    KDF_LANES_MAX = 64,           /* also threads */
    KDF_KEY_MAX = 512,            /* bytes */
};

struct kdf_params {
    const struct kdf *kdf;
    const struct hash *hash; /* PBKDF2's; NULL for Argon2 */
    uint32_t passes;         /* 1 or more: "iterations" of PBKDF2, "time" of Argon2 */
    uint32_t memory_kib;     /* Argon2: 8 * lanes or more; else 0 */
    uint32_t lanes;          /* Argon2: "cpus"; else 0 */
    uint8_t salt[KDF_SALT_MAX];
    size_t salt_len; /* 8 or more for Argon2 */
};

struct kdf {
    const char *name; /* as in LUKS2: "argon2id" */
    bool takes_memory;
    enum rc (*derive)(const struct kdf_params *params, struct span phrase, struct span salt,
                      struct secret *key, struct fault *why);
};

extern const struct kdf kdf_pbkdf2, kdf_argon2i, kdf_argon2id;

/* NULL for a word that names none. */
const struct kdf *kdf_find(const char *name);

/*
 * RC_FORMAT  costs or a salt that the algorithm does not have
 * RC_LIMIT   costs beyond what we pay for a header that anybody may have written: more than
 *            4 GiB, 64 lanes, or passes that take half an hour
 */
enum rc kdf_check(const struct kdf_params *params, struct fault *why);

/*
 * Fills key->len bytes of `key`, which is allocated; the phrase may be empty. Blocks its
 * thread for as long as the costs ask.
 *
 * RC_FORMAT, RC_LIMIT  as kdf_check
 * RC_MEMORY            Argon2's memory could not be had
 */
enum rc kdf_derive(const struct kdf_params *params, const struct secret *phrase,
                   struct secret *key, struct fault *why);

/*
 * Chooses costs that take about `target_ms` on this machine: params->kdf and, for PBKDF2,
 * params->hash are set by the caller. Argon2 gets at most 1 GiB, at most half of the memory
 * that is free now, at most four lanes and at most one for each CPU, and four passes at least,
 * before it gets less memory; where params->memory_kib is set, that is the most. The time is that of an idle machine, however
 * busy this one is now. The salt is left alone.
 */
enum rc kdf_calibrate(struct kdf_params *params, unsigned target_ms, struct fault *why);

#endif
