/*
 * AES-XTS with AVX2 and VAES: two blocks in a register, eight registers in flight. There are
 * sixteen registers, so the tweaks of a group stay in memory, in a struct that is wiped.
 */
#include <immintrin.h>

#include "base/secret.h"
#include "crypto/cpu.h"
#include "crypto/native/unroll.h"
#include "crypto/native/xts.h"

#define TARGET __attribute__((target("avx2,aes,vaes,vpclmulqdq")))
#define INLINE TARGET __attribute__((always_inline)) static inline

enum { LANES = 2, WIDE = 8, REGISTER = LANES * AES_BLOCK, GROUP = WIDE * REGISTER };

extern const struct xts_engine xts_vaes256;

struct group_tweaks {
    __m256i at[WIDE];
};

INLINE __m256i round_key(const struct aes_schedule *schedule, int round)
{
    return _mm256_broadcastsi128_si256(
        _mm_load_si128((const __m128i *)(const void *)schedule->round[round]));
}

INLINE __m256i load(const uint8_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

INLINE void store(uint8_t *at, __m256i x)
{
    _mm256_storeu_si256((__m256i *)(void *)at, x);
}

/* x^128 is x^7 + x^2 + x + 1: what leaves a lane comes back as multiples of it. */
INLINE __m256i polynomial(void)
{
    return _mm256_set1_epi64x(0x87);
}

/* Each lane times x^(8 * bytes): a macro, as the count must stand in the instruction. */
#define TIMES_BYTES(t, bytes)                                                                 \
    _mm256_xor_si256(_mm256_bslli_epi128(t, bytes),                                           \
                     _mm256_clmulepi64_epi128(_mm256_bsrli_epi128(t, AES_BLOCK - (bytes)),    \
                                              polynomial(), 0x00))

/* Each lane times x^bits, below 64, which both halves of the lane give. */
INLINE __m256i times_bits(__m256i t, __m256i bits)
{
    __m256i over = _mm256_srlv_epi64(t, _mm256_sub_epi64(_mm256_set1_epi64x(64), bits));
    __m256i shifted =
        _mm256_xor_si256(_mm256_sllv_epi64(t, bits), _mm256_bslli_epi128(over, 8));

    return _mm256_xor_si256(shifted, _mm256_clmulepi64_epi128(over, polynomial(), 0x01));
}

/* The tweaks of the first 16 blocks of a sector, none of them far from the first. */
INLINE void spread(struct group_tweaks *t, const uint8_t *tweak)
{
    __m256i first =
        _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(const void *)tweak));

    UNROLL
    for (int i = 0; i < 4; i++) {
        int bits = LANES * i;
        __m256i made = times_bits(first, _mm256_set_epi64x(bits + 1, bits + 1, bits, bits));

        t->at[i] = made;
        t->at[i + 4] = TIMES_BYTES(made, 1);
    }
}

/* The tweaks of the 16 blocks after those. */
INLINE void advance(struct group_tweaks *next, const struct group_tweaks *t)
{
    UNROLL
    for (int i = 0; i < WIDE; i++)
        next->at[i] = TIMES_BYTES(t->at[i], 2);
}

INLINE __m256i aes_round(__m256i x, __m256i key, bool encrypt)
{
    return encrypt ? _mm256_aesenc_epi128(x, key) : _mm256_aesdec_epi128(x, key);
}

INLINE __m256i aes_last(__m256i x, __m256i key, bool encrypt)
{
    return encrypt ? _mm256_aesenclast_epi128(x, key) : _mm256_aesdeclast_epi128(x, key);
}

/* 16 blocks. */
INLINE void crypt_group(const struct aes_schedule *schedule, bool encrypt, int rounds,
                        const struct group_tweaks *t, const uint8_t *in, uint8_t *out)
{
    __m256i x[WIDE], key = round_key(schedule, 0);

    UNROLL
    for (int i = 0; i < WIDE; i++)
        x[i] = _mm256_xor_si256(_mm256_xor_si256(key, t->at[i]), load(in + REGISTER * i));
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
        store(out + REGISTER * i, aes_last(x[i], _mm256_xor_si256(key, t->at[i]), encrypt));
}

/* One or two blocks. */
INLINE void crypt_blocks(const struct aes_schedule *schedule, bool encrypt, int rounds,
                         __m256i t, const uint8_t *in, uint8_t *out, size_t len)
{
    __m256i mask = len < REGISTER ? _mm256_set_epi64x(0, 0, -1, -1) : _mm256_set1_epi64x(-1);
    __m256i x = _mm256_maskload_epi64((const long long *)(const void *)in, mask);

    x = _mm256_xor_si256(_mm256_xor_si256(x, t), round_key(schedule, 0));
    for (int round = 1; round < rounds; round++)
        x = aes_round(x, round_key(schedule, round), encrypt);
    x = aes_last(x, _mm256_xor_si256(round_key(schedule, rounds), t), encrypt);
    _mm256_maskstore_epi64((long long *)(void *)out, mask, x);
}

/* What is left of a sector, less than 16 blocks. */
INLINE void crypt_rest(const struct aes_schedule *schedule, bool encrypt, int rounds,
                       __m256i t, const uint8_t *in, uint8_t *out, size_t size)
{
    for (; size > 0; in += REGISTER, out += REGISTER) {
        size_t len = size < REGISTER ? size : REGISTER;

        crypt_blocks(schedule, encrypt, rounds, t, in, out, len);
        t = times_bits(t, _mm256_set1_epi64x(LANES));
        size -= len;
    }
}

/* The tweaks of a group are made before the group ahead of it, so that none waits for them. */
INLINE void crypt_sectors(const struct aes_schedule *schedule, bool encrypt, int rounds,
                          const struct xts_tweaks *tweaks, const struct xts_sectors *sectors)
{
    size_t groups = sectors->size / GROUP, rest = sectors->size % GROUP;
    struct group_tweaks room[2], *t = &room[0], *next = &room[1];
    const uint8_t *in = sectors->in;
    uint8_t *out = sectors->out;

    spread(t, tweaks->at[0]);
    for (size_t i = 1; i <= sectors->count; i++) {
        const uint8_t *following = tweaks->at[i < sectors->count ? i : 0];

        for (size_t left = groups; left > 0; left--, in += GROUP, out += GROUP) {
            struct group_tweaks *used = t;

            if (left > 1 || rest > 0)
                advance(next, t);
            else
                spread(next, following);
            /* keys and tweaks are read from memory, where they are needed */
            __asm__("" : "+r"(schedule), "+r"(t), "+r"(next) : : "memory");
            crypt_group(schedule, encrypt, rounds, t, in, out);
            t = next;
            next = used;
        }
        if (rest > 0) {
            crypt_rest(schedule, encrypt, rounds, t->at[0], in, out, rest);
            spread(t, following);
            in += rest;
            out += rest;
        }
    }
    wipe(room, sizeof room);
}

TARGET static void vaes256_encrypt(const struct xts_keys *keys,
                                   const struct xts_tweaks *tweaks,
                                   const struct xts_sectors *sectors)
{
    if (keys->rounds == AES_ROUNDS_256)
        crypt_sectors(&keys->encrypt, true, AES_ROUNDS_256, tweaks, sectors);
    else
        crypt_sectors(&keys->encrypt, true, AES_ROUNDS_128, tweaks, sectors);
}

TARGET static void vaes256_decrypt(const struct xts_keys *keys,
                                   const struct xts_tweaks *tweaks,
                                   const struct xts_sectors *sectors)
{
    if (keys->rounds == AES_ROUNDS_256)
        crypt_sectors(&keys->decrypt, false, AES_ROUNDS_256, tweaks, sectors);
    else
        crypt_sectors(&keys->decrypt, false, AES_ROUNDS_128, tweaks, sectors);
}

/* Two numbers to a register. The registers do not wait for each other. */
TARGET static void vaes256_make_tweaks(const struct xts_keys *keys, uint64_t first,
                                       uint64_t step, size_t count, struct xts_tweaks *tweaks)
{
    __m256i number = _mm256_set_epi64x(0, (long long)(first + step), 0, (long long)first);
    __m256i increment =
        _mm256_set_epi64x(0, (long long)(LANES * step), 0, (long long)(LANES * step));

    for (size_t at = 0; at < count; at += LANES) {
        __m256i x = _mm256_xor_si256(number, round_key(&keys->tweak, 0));

        for (int round = 1; round < keys->rounds; round++)
            x = aes_round(x, round_key(&keys->tweak, round), true);
        store(tweaks->at[at], aes_last(x, round_key(&keys->tweak, keys->rounds), true));
        number = _mm256_add_epi64(number, increment);
    }
}

const struct xts_engine xts_vaes256 = {
    .name = "AVX2 and VAES",
    .needs = CPU_AVX2 | CPU_VAES | CPU_VPCLMULQDQ | CPU_AES,
    .make_tweaks = vaes256_make_tweaks,
    .encrypt = vaes256_encrypt,
    .decrypt = vaes256_decrypt,
};
