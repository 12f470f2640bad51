/*
 * AEGIS-128: authenticated encryption out of the rounds of AES, at several times the speed of
 * AES-GCM. Two techniques, AES-NI and one without instructions for AES, and without tables, so
 * that no address depends on a secret.
 *
 * Source: Wu and Preneel, "AEGIS: A Fast Authenticated Encryption Algorithm (v1.1)".
 */
#ifndef CRYPTO_NATIVE_AEGIS128_H
#define CRYPTO_NATIVE_AEGIS128_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AEGIS128_KEY = 16, AEGIS128_NONCE = 16, AEGIS128_TAG = 16 };

struct aegis128_message {
    const uint8_t *key, *nonce;
    const uint8_t *associated;
    size_t associated_len;
    const uint8_t *in; /* plain text or ciphertext */
    uint8_t *out;      /* may be `in` */
    size_t len;
};

/* One technique. */
struct aegis128_engine {
    const char *name;
    unsigned needs; /* enum cpu_feature */
    /* Encrypts or decrypts, and computes the tag; whether that is the right one is for the
     * caller to see. */
    void (*crypt)(const struct aegis128_message *message, bool encrypt,
                  uint8_t tag[AEGIS128_TAG]);
};

/* The fastest first, whether this processor has it or not; NULL after the last. */
const struct aegis128_engine *aegis128_engine_at(size_t index);

/* The fastest that this processor has. */
const struct aegis128_engine *aegis128_engine(void);

#endif
