/* AEGIS-128 with AES-NI: one instruction is one round. */
#include <immintrin.h>

#include "crypto/cpu.h"

#define TARGET __attribute__((target("aes,sse4.1")))
#define FLOW TARGET __attribute__((always_inline)) static inline

typedef __m128i block;

FLOW block block_load(const void *at)
{
    return _mm_loadu_si128(at);
}

FLOW void block_store(void *at, block b)
{
    _mm_storeu_si128(at, b);
}

FLOW block block_xor(block a, block b)
{
    return _mm_xor_si128(a, b);
}

FLOW block block_and(block a, block b)
{
    return _mm_and_si128(a, b);
}

FLOW block block_round(block state, block key)
{
    return _mm_aesenc_si128(state, key);
}

#include "crypto/native/aegis128_flow.h"

TARGET static void crypt_aesni(const struct aegis128_message *message, bool encrypt,
                               uint8_t *tag)
{
    if (encrypt)
        crypt_message(message, true, tag);
    else
        crypt_message(message, false, tag);
}

extern const struct aegis128_engine aegis128_aesni;

const struct aegis128_engine aegis128_aesni = {
    .name = "AES-NI", .needs = CPU_AES, .crypt = crypt_aesni};
