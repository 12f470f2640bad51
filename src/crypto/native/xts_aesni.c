/*
 * AES-XTS with AES-NI: eight blocks in flight. The tweak is doubled from block to block; those
 * of a group stay in memory, in a struct that is wiped, as there are sixteen registers.
 */
#include <immintrin.h>

#include "base/secret.h"
#include "crypto/cpu.h"
#include "crypto/native/unroll.h"
#include "crypto/native/xts.h"

#define TARGET __attribute__((target("aes,sse4.1")))
#define INLINE TARGET __attribute__((always_inline)) static inline

enum { WIDE = 8, GROUP = WIDE * AES_BLOCK };

extern const struct xts_engine xts_aesni;

struct group_tweaks {
    __m128i at[WIDE];
};

INLINE __m128i round_key(const struct aes_schedule *schedule, int round)
{
    return _mm_load_si128((const __m128i *)(const void *)schedule->round[round]);
}

INLINE __m128i load(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

INLINE void store(uint8_t *at, __m128i x)
{
    _mm_storeu_si128((__m128i *)(void *)at, x);
}

/* Times x: both halves are doubled, and what the signs say was lost is carried. */
INLINE __m128i twice(__m128i t)
{
    __m128i signs = _mm_shuffle_epi32(_mm_srai_epi32(t, 31), 0x13);
    __m128i carry = _mm_and_si128(signs, _mm_set_epi32(0, 1, 0, 0x87));

    return _mm_xor_si128(_mm_add_epi64(t, t), carry);
}

INLINE __m128i aes_round(__m128i x, __m128i key, bool encrypt)
{
    return encrypt ? _mm_aesenc_si128(x, key) : _mm_aesdec_si128(x, key);
}

INLINE __m128i aes_last(__m128i x, __m128i key, bool encrypt)
{
    return encrypt ? _mm_aesenclast_si128(x, key) : _mm_aesdeclast_si128(x, key);
}

/* Eight blocks; returns the tweak of the one after them. */
INLINE __m128i crypt_group(const struct aes_schedule *schedule, bool encrypt, int rounds,
                           __m128i tweak, struct group_tweaks *t, const uint8_t *in,
                           uint8_t *out)
{
    __m128i x[WIDE], key = round_key(schedule, 0);

    UNROLL
    for (int i = 0; i < WIDE; i++) {
        t->at[i] = tweak;
        x[i] = _mm_xor_si128(_mm_xor_si128(key, tweak), load(in + AES_BLOCK * i));
        tweak = twice(tweak);
    }
    __asm__("" : "+r"(t) : : "memory"); /* the tweaks are read anew */
    UNROLL
    for (int round = 1; round < rounds; round++) {
        key = round_key(schedule, round);
        UNROLL
        for (int i = 0; i < WIDE; i++)
            x[i] = aes_round(x[i], key, encrypt);
    }
    key = round_key(schedule, rounds);
    UNROLL
    for (int i = 0; i < WIDE; i++)
        store(out + AES_BLOCK * i, aes_last(x[i], _mm_xor_si128(key, t->at[i]), encrypt));
    return tweak;
}

INLINE void crypt_block(const struct aes_schedule *schedule, bool encrypt, int rounds,
                        __m128i tweak, const uint8_t *in, uint8_t *out)
{
    __m128i x = _mm_xor_si128(_mm_xor_si128(load(in), tweak), round_key(schedule, 0));

    for (int round = 1; round < rounds; round++)
        x = aes_round(x, round_key(schedule, round), encrypt);
    store(out, aes_last(x, _mm_xor_si128(round_key(schedule, rounds), tweak), encrypt));
}

INLINE void crypt_sector(const struct aes_schedule *schedule, bool encrypt, int rounds,
                         __m128i tweak, struct group_tweaks *t, const uint8_t *in,
                         uint8_t *out, size_t size)
{
    for (; size >= GROUP; size -= GROUP, in += GROUP, out += GROUP) {
        __asm__("" : "+r"(schedule)); /* the keys are read anew */
        tweak = crypt_group(schedule, encrypt, rounds, tweak, t, in, out);
    }
    for (; size > 0; size -= AES_BLOCK, in += AES_BLOCK, out += AES_BLOCK) {
        crypt_block(schedule, encrypt, rounds, tweak, in, out);
        tweak = twice(tweak);
    }
}

INLINE void crypt_sectors(const struct aes_schedule *schedule, bool encrypt, int rounds,
                          const struct xts_tweaks *tweaks, const struct xts_sectors *sectors)
{
    struct group_tweaks t;

    for (size_t i = 0; i < sectors->count; i++)
        crypt_sector(schedule, encrypt, rounds, load(tweaks->at[i]), &t,
                     sectors->in + sectors->size * i, sectors->out + sectors->size * i,
                     sectors->size);
    wipe(&t, sizeof t);
}

TARGET static void aesni_encrypt(const struct xts_keys *keys, const struct xts_tweaks *tweaks,
                                 const struct xts_sectors *sectors)
{
    if (keys->rounds == AES_ROUNDS_256)
        crypt_sectors(&keys->encrypt, true, AES_ROUNDS_256, tweaks, sectors);
    else
        crypt_sectors(&keys->encrypt, true, AES_ROUNDS_128, tweaks, sectors);
}

TARGET static void aesni_decrypt(const struct xts_keys *keys, const struct xts_tweaks *tweaks,
                                 const struct xts_sectors *sectors)
{
    if (keys->rounds == AES_ROUNDS_256)
        crypt_sectors(&keys->decrypt, false, AES_ROUNDS_256, tweaks, sectors);
    else
        crypt_sectors(&keys->decrypt, false, AES_ROUNDS_128, tweaks, sectors);
}

/* The blocks do not wait for each other. */
TARGET static void aesni_make_tweaks(const struct xts_keys *keys, uint64_t first,
                                     uint64_t step, size_t count, struct xts_tweaks *tweaks)
{
    for (size_t at = 0; at < count; at++) {
        __m128i x = _mm_set_epi64x(0, (long long)(first + step * at));

        x = _mm_xor_si128(x, round_key(&keys->tweak, 0));
        for (int round = 1; round < keys->rounds; round++)
            x = aes_round(x, round_key(&keys->tweak, round), true);
        store(tweaks->at[at], aes_last(x, round_key(&keys->tweak, keys->rounds), true));
    }
}

const struct xts_engine xts_aesni = {
    .name = "AES-NI",
    .needs = CPU_AES,
    .make_tweaks = aesni_make_tweaks,
    .encrypt = aesni_encrypt,
    .decrypt = aesni_decrypt,
};
