/* The round keys of AES, expanded by the processor's own instructions: x86-64 with CPU_AES. */
#ifndef CRYPTO_NATIVE_AES_SCHEDULE_H
#define CRYPTO_NATIVE_AES_SCHEDULE_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AES_BLOCK = 16, AES_ROUNDS_128 = 10, AES_ROUNDS_256 = 14 };

struct aes_schedule {
    alignas(16) uint8_t round[AES_ROUNDS_256 + 1][AES_BLOCK];
};

/*
 * The key of `key_len` bytes, 16 or 32, for encryption. Returns the number of rounds, which is
 * the index of the last round key. Source: FIPS 197, section 5.2.
 */
int aes_schedule_expand(struct aes_schedule *out, const uint8_t *key, size_t key_len);

/* The same key for decryption, as the AESDEC instructions want it: FIPS 197, section 5.3.5. */
void aes_schedule_invert(struct aes_schedule *out, const struct aes_schedule *from,
                         int rounds);

#endif
