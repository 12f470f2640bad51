/*
 * AES-XTS with AVX-512 and VAES: four blocks in a register, eight registers in flight, which
 * hides the latency of a round. The tweaks of a group are multiplied to those of the next one
 * by a shift of bytes and one carry-less multiplication, each register on its own. Round keys
 * are read from memory for each group, so that the compiler has no reason to lay copies of
 * them on the stack.
 */
#include <immintrin.h>

#include "crypto/cpu.h"
#include "crypto/native/unroll.h"
#include "crypto/native/xts.h"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,vaes,vpclmulqdq")))
#define INLINE TARGET __attribute__((always_inline)) static inline

enum { LANES = 4, WIDE = 8, REGISTER = LANES * AES_BLOCK, GROUP = WIDE * REGISTER };

extern const struct xts_engine xts_vaes512;

INLINE __m512i round_key(const struct aes_schedule *schedule, int round)
{
    return _mm512_broadcast_i32x4(
        _mm_load_si128((const __m128i *)(const void *)schedule->round[round]));
}

INLINE __m512i xor3(__m512i a, __m512i b, __m512i c)
{
    return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

/* x^128 is x^7 + x^2 + x + 1: what leaves a lane comes back as multiples of it. */
INLINE __m512i polynomial(void)
{
    return _mm512_set1_epi64(0x87);
}

/* Each lane times x^(8 * bytes): a macro, as the count must stand in the instruction. */
#define TIMES_BYTES(t, bytes)                                                                 \
    _mm512_xor_si512(_mm512_bslli_epi128(t, bytes),                                           \
                     _mm512_clmulepi64_epi128(_mm512_bsrli_epi128(t, AES_BLOCK - (bytes)),    \
                                              polynomial(), 0x00))

/* Each lane times x^bits, below 64, which both halves of the lane give. */
INLINE __m512i times_bits(__m512i t, __m512i bits)
{
    __m512i over = _mm512_srlv_epi64(t, _mm512_sub_epi64(_mm512_set1_epi64(64), bits));

    return xor3(_mm512_sllv_epi64(t, bits), _mm512_bslli_epi128(over, 8),
                _mm512_clmulepi64_epi128(over, polynomial(), 0x01));
}

/* The tweaks of the first 32 blocks of a sector, none of them far from the first. */
INLINE void spread(__m512i t[WIDE], const uint8_t *tweak)
{
    __m512i first =
        _mm512_broadcast_i32x4(_mm_load_si128((const __m128i *)(const void *)tweak));

    t[0] = times_bits(first, _mm512_set_epi64(3, 3, 2, 2, 1, 1, 0, 0));
    t[1] = times_bits(first, _mm512_set_epi64(7, 7, 6, 6, 5, 5, 4, 4));
    UNROLL
    for (int i = 0; i < 2; i++) {
        t[i + 2] = TIMES_BYTES(t[i], 1);
        t[i + 4] = TIMES_BYTES(t[i], 2);
        t[i + 6] = TIMES_BYTES(t[i], 3);
    }
}

/* The tweaks of the 32 blocks after those. */
INLINE void advance(__m512i next[WIDE], const __m512i t[WIDE])
{
    UNROLL
    for (int i = 0; i < WIDE; i++)
        next[i] = TIMES_BYTES(t[i], 4);
}

INLINE __m512i aes_round(__m512i x, __m512i key, bool encrypt)
{
    return encrypt ? _mm512_aesenc_epi128(x, key) : _mm512_aesdec_epi128(x, key);
}

INLINE __m512i aes_last(__m512i x, __m512i key, bool encrypt)
{
    return encrypt ? _mm512_aesenclast_epi128(x, key) : _mm512_aesdeclast_epi128(x, key);
}

/* 32 blocks. */
INLINE void crypt_group(const struct aes_schedule *schedule, bool encrypt, int rounds,
                        const __m512i t[WIDE], const uint8_t *in, uint8_t *out)
{
    __m512i x[WIDE], key = round_key(schedule, 0);

    UNROLL
    for (int i = 0; i < WIDE; i++)
        x[i] = xor3(_mm512_loadu_si512(in + REGISTER * i), t[i], key);
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
        _mm512_storeu_si512(out + REGISTER * i,
                            aes_last(x[i], _mm512_xor_si512(key, t[i]), encrypt));
}

/* One to four blocks. */
INLINE void crypt_blocks(const struct aes_schedule *schedule, bool encrypt, int rounds,
                         __m512i t, const uint8_t *in, uint8_t *out, size_t len)
{
    __mmask8 mask = (__mmask8)((1U << len / 8) - 1);
    __m512i x = xor3(_mm512_maskz_loadu_epi64(mask, in), t, round_key(schedule, 0));

    for (int round = 1; round < rounds; round++)
        x = aes_round(x, round_key(schedule, round), encrypt);
    x = aes_last(x, _mm512_xor_si512(round_key(schedule, rounds), t), encrypt);
    _mm512_mask_storeu_epi64(out, mask, x);
}

/* What is left of a sector, less than 32 blocks. */
INLINE void crypt_rest(const struct aes_schedule *schedule, bool encrypt, int rounds,
                       __m512i t, const uint8_t *in, uint8_t *out, size_t size)
{
    for (; size > 0; in += REGISTER, out += REGISTER) {
        size_t len = size < REGISTER ? size : REGISTER;

        crypt_blocks(schedule, encrypt, rounds, t, in, out, len);
        t = times_bits(t, _mm512_set1_epi64(LANES));
        size -= len;
    }
}

/* The tweaks of a group are made before the group ahead of it, so that none waits for them. */
INLINE void crypt_sectors(const struct aes_schedule *schedule, bool encrypt, int rounds,
                          const struct xts_tweaks *tweaks, const struct xts_sectors *sectors)
{
    size_t groups = sectors->size / GROUP, rest = sectors->size % GROUP;
    const uint8_t *in = sectors->in;
    uint8_t *out = sectors->out;
    __m512i t[WIDE], next[WIDE];

    spread(t, tweaks->at[0]);
    for (size_t i = 1; i <= sectors->count; i++) {
        const uint8_t *following = tweaks->at[i < sectors->count ? i : 0];

        for (size_t left = groups; left > 0; left--, in += GROUP, out += GROUP) {
            __asm__("" : "+r"(schedule)); /* the keys are read anew */
            if (left > 1 || rest > 0)
                advance(next, t);
            else
                spread(next, following);
            crypt_group(schedule, encrypt, rounds, t, in, out);
            UNROLL
            for (int j = 0; j < WIDE; j++)
                t[j] = next[j];
        }
        if (rest > 0) {
            crypt_rest(schedule, encrypt, rounds, t[0], in, out, rest);
            spread(t, following);
            in += rest;
            out += rest;
        }
    }
}

TARGET static void vaes512_encrypt(const struct xts_keys *keys,
                                   const struct xts_tweaks *tweaks,
                                   const struct xts_sectors *sectors)
{
    if (keys->rounds == AES_ROUNDS_256)
        crypt_sectors(&keys->encrypt, true, AES_ROUNDS_256, tweaks, sectors);
    else
        crypt_sectors(&keys->encrypt, true, AES_ROUNDS_128, tweaks, sectors);
}

TARGET static void vaes512_decrypt(const struct xts_keys *keys,
                                   const struct xts_tweaks *tweaks,
                                   const struct xts_sectors *sectors)
{
    if (keys->rounds == AES_ROUNDS_256)
        crypt_sectors(&keys->decrypt, false, AES_ROUNDS_256, tweaks, sectors);
    else
        crypt_sectors(&keys->decrypt, false, AES_ROUNDS_128, tweaks, sectors);
}

/* Four numbers to a register. The registers do not wait for each other. */
TARGET static void vaes512_make_tweaks(const struct xts_keys *keys, uint64_t first,
                                       uint64_t step, size_t count, struct xts_tweaks *tweaks)
{
    long long by = (long long)step;
    __m512i number = _mm512_add_epi64(_mm512_set_epi64(0, 3 * by, 0, 2 * by, 0, by, 0, 0),
                                      _mm512_maskz_set1_epi64(0x55, (long long)first));
    __m512i increment = _mm512_maskz_set1_epi64(0x55, LANES * by);

    for (size_t at = 0; at < count; at += LANES) {
        __m512i x = _mm512_xor_si512(number, round_key(&keys->tweak, 0));

        for (int round = 1; round < keys->rounds; round++)
            x = aes_round(x, round_key(&keys->tweak, round), true);
        _mm512_store_si512(tweaks->at[at],
                           aes_last(x, round_key(&keys->tweak, keys->rounds), true));
        number = _mm512_add_epi64(number, increment);
    }
}

const struct xts_engine xts_vaes512 = {
    .name = "AVX-512 and VAES",
    .needs = CPU_AVX512 | CPU_AVX2 | CPU_VAES | CPU_VPCLMULQDQ | CPU_AES,
    .make_tweaks = vaes512_make_tweaks,
    .encrypt = vaes512_encrypt,
    .decrypt = vaes512_decrypt,
};
