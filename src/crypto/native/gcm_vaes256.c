/*
 * AES-256-GCM with AVX2, VAES and VPCLMULQDQ: sixteen blocks in eight registers are encrypted while the
 * sixteen before them (those that come, where it decrypts) are hashed.
 *
 * GCM numbers bits from the left. So blocks are reversed when they are loaded, and what is kept of
 * the hash key are its powers times x: then a product needs no shift, and is reduced from below
 * in two steps. Source: NIST SP 800-38D; Gueron and Kounavis, "Intel Carry-Less Multiplication
 * Instruction and its Usage for Computing the GCM Mode".
 */
#include <immintrin.h>
#include <string.h>

#include "base/secret.h"
#include "base/secret_heap.h"
#include "crypto/aead.h"
#include "crypto/cpu.h"
#include "crypto/equal.h"
#include "crypto/native/aes_schedule.h"
#include "crypto/native/unroll.h"

#define TARGET __attribute__((target("avx2,aes,pclmul,vaes,vpclmulqdq")))
#define INLINE TARGET __attribute__((always_inline)) static inline

enum {
    LANES = 2,
    WIDE = 8,
    REGISTER = LANES * AES_BLOCK,
    BLOCKS = LANES * WIDE,
    GROUP = BLOCKS * AES_BLOCK,
};

extern const struct aead_kind aead_aes_gcm_vaes256;

struct gcm {
    struct aead aead;
    struct aes_schedule keys;
    alignas(32)
        uint8_t powers[BLOCKS][AES_BLOCK]; /* of the hash key, from the 16th to the first */
};

/* Keys, powers and text are read where they are needed, and not laid on the stack before that. */
#define KEEP_ORDER __asm__("" : "+r"(gcm) : : "memory")

/* One that has to be reduced. */
struct product {
    __m256i low, middle, high;
};

INLINE __m128i load(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

INLINE __m256i load_wide(const uint8_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

INLINE void store(uint8_t *at, __m128i x)
{
    _mm_storeu_si128((__m128i *)(void *)at, x);
}

INLINE __m128i reversed(__m128i x)
{
    return _mm_shuffle_epi8(
        x, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

INLINE __m256i reversed_wide(__m256i x)
{
    return _mm256_shuffle_epi8(x, _mm256_broadcastsi128_si256(_mm_set_epi8(
                                      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)));
}

INLINE void product_add(struct product *p, __m256i a, __m256i b)
{
    p->low = _mm256_xor_si256(p->low, _mm256_clmulepi64_epi128(a, b, 0x00));
    p->middle = _mm256_xor_si256(p->middle, _mm256_clmulepi64_epi128(a, b, 0x01));
    p->middle = _mm256_xor_si256(p->middle, _mm256_clmulepi64_epi128(a, b, 0x10));
    p->high = _mm256_xor_si256(p->high, _mm256_clmulepi64_epi128(a, b, 0x11));
    /* or all would be kept, to be added in the end */
    __asm__("" : "+x"(p->low), "+x"(p->middle), "+x"(p->high));
}

/* What the lower half of a number adds to the half above it. */
INLINE __m128i folded(__m128i x)
{
    const __m128i polynomial = _mm_set_epi64x((long long)UINT64_C(0xc200000000000000), 1);

    return _mm_xor_si128(_mm_shuffle_epi32(x, 0x4e),
                         _mm_clmulepi64_si128(polynomial, x, 0x01));
}

INLINE __m128i reduced(__m128i low, __m128i middle, __m128i high)
{
    middle = _mm_xor_si128(middle, folded(low));
    return _mm_xor_si128(high, folded(middle));
}

INLINE __m128i both(__m256i x)
{
    return _mm_xor_si128(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
}

INLINE __m128i product_reduced(const struct product *p)
{
    return reduced(both(p->low), both(p->middle), both(p->high));
}

INLINE __m128i multiplied(__m128i a, __m128i b)
{
    return reduced(
        _mm_clmulepi64_si128(a, b, 0x00),
        _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01), _mm_clmulepi64_si128(a, b, 0x10)),
        _mm_clmulepi64_si128(a, b, 0x11));
}

INLINE __m128i hash_block(const struct gcm *gcm, __m128i hash, __m128i block)
{
    return multiplied(_mm_xor_si128(hash, block), load(gcm->powers[BLOCKS - 1]));
}

/* Register i of a group; the hash so far goes with the first. */
INLINE void hash_register(const struct gcm *gcm, __m128i hash, const uint8_t *group, int i,
                          struct product *sum)
{
    __m256i text = reversed_wide(load_wide(group + REGISTER * i));

    if (i == 0)
        text = _mm256_xor_si256(text, _mm256_zextsi128_si256(hash));
    product_add(sum, text, load_wide(gcm->powers[LANES * i]));
}

INLINE __m128i hash_group(const struct gcm *gcm, __m128i hash, const uint8_t *group)
{
    struct product sum = {0};

    UNROLL
    for (int i = 0; i < WIDE; i++)
        hash_register(gcm, hash, group, i, &sum);
    return product_reduced(&sum);
}

/* What is bound, with zeros up to a block. */
TARGET static __m128i hash_bound(const struct gcm *gcm, struct span bound)
{
    __m128i hash = _mm_setzero_si128();
    uint8_t block[AES_BLOCK] = {0};

    for (; bound.len >= GROUP; bound.at += GROUP, bound.len -= GROUP)
        hash = hash_group(gcm, hash, bound.at);
    for (; bound.len >= AES_BLOCK; bound.at += AES_BLOCK, bound.len -= AES_BLOCK)
        hash = hash_block(gcm, hash, reversed(load(bound.at)));
    if (bound.len == 0)
        return hash;
    memcpy(block, bound.at, bound.len);
    return hash_block(gcm, hash, reversed(load(block)));
}

INLINE __m128i encrypted(const struct gcm *gcm, __m128i x)
{
    x = _mm_xor_si128(x, load(gcm->keys.round[0]));
    for (int round = 1; round < AES_ROUNDS_256; round++)
        x = _mm_aesenc_si128(x, load(gcm->keys.round[round]));
    return _mm_aesenclast_si128(x, load(gcm->keys.round[AES_ROUNDS_256]));
}

INLINE __m128i counter_plus(__m128i counter, int blocks)
{
    return _mm_add_epi32(counter, _mm_set_epi32(0, 0, 0, blocks));
}

INLINE __m256i round_key(const struct gcm *gcm, int round)
{
    return _mm256_broadcastsi128_si256(load(gcm->keys.round[round]));
}

/* 16 blocks; `hashed` are 16 that are hashed meanwhile, or NULL. Gives the hash. */
INLINE __m128i crypt_group(const struct gcm *gcm, __m128i counter, const uint8_t *in,
                           uint8_t *out, const uint8_t *hashed, __m128i hash)
{
    __m256i x[WIDE], key = round_key(gcm, 0);
    __m256i counters = _mm256_add_epi32(_mm256_broadcastsi128_si256(counter),
                                        _mm256_set_epi32(0, 0, 0, 1, 0, 0, 0, 0));
    struct product sum = {0};

    UNROLL
    for (int i = 0; i < WIDE; i++) {
        __m256i step = _mm256_set_epi32(0, 0, 0, LANES * i, 0, 0, 0, LANES * i);

        x[i] = _mm256_xor_si256(reversed_wide(_mm256_add_epi32(counters, step)), key);
    }
    UNROLL
    for (int round = 1; round < AES_ROUNDS_256; round++) {
        key = round_key(gcm, round);
        UNROLL
        for (int i = 0; i < WIDE; i++)
            x[i] = _mm256_aesenc_epi128(x[i], key);
        KEEP_ORDER;
        if (hashed && round <= WIDE)
            hash_register(gcm, hash, hashed, round - 1, &sum);
    }
    key = round_key(gcm, AES_ROUNDS_256);
    UNROLL
    for (int i = 0; i < WIDE; i++)
        _mm256_storeu_si256((__m256i *)(void *)(out + REGISTER * i),
                            _mm256_xor_si256(_mm256_aesenclast_epi128(x[i], key),
                                             load_wide(in + REGISTER * i)));
    return hashed ? product_reduced(&sum) : hash;
}

/* Less than 16 blocks. */
TARGET static __m128i crypt_rest(const struct gcm *gcm, bool seals, __m128i counter,
                                 const uint8_t *in, uint8_t *out, size_t len, __m128i hash)
{
    uint8_t block[AES_BLOCK];

    while (len > 0) {
        size_t part = len < AES_BLOCK ? len : AES_BLOCK;
        __m128i from;

        memset(block, 0, sizeof block);
        memcpy(block, in, part);
        from = load(block);
        store(block, _mm_xor_si128(from, encrypted(gcm, reversed(counter))));
        memcpy(out, block, part);
        memset(block + part, 0, sizeof block - part);
        hash = hash_block(gcm, hash, reversed(seals ? load(block) : from));
        counter = counter_plus(counter, 1);
        in += part;
        out += part;
        len -= part;
    }
    wipe(block, sizeof block);
    return hash;
}

/* Both ways; the tag comes out. */
INLINE void crypt_message(const struct gcm *gcm, bool seals, const uint8_t nonce[AEAD_NONCE],
                          struct span bound, const uint8_t *in, uint8_t *out, size_t len,
                          uint8_t tag[AEAD_TAG])
{
    uint8_t first[AES_BLOCK] = {[AES_BLOCK - 1] = 1};
    size_t left = len;
    __m128i counter, hash, mask, lengths;

    memcpy(first, nonce, AEAD_NONCE);
    mask = encrypted(gcm, load(first));
    counter = counter_plus(reversed(load(first)), 1);
    hash = hash_bound(gcm, bound);
    for (; left >= GROUP; left -= GROUP, in += GROUP, out += GROUP) {
        KEEP_ORDER;
        if (!seals)
            hash = crypt_group(gcm, counter, in, out, in, hash);
        else if (left == len)
            hash = crypt_group(gcm, counter, in, out, NULL, hash);
        else
            hash = crypt_group(gcm, counter, in, out, out - GROUP, hash);
        counter = counter_plus(counter, BLOCKS);
    }
    if (seals && len >= GROUP)
        hash = hash_group(gcm, hash, out - GROUP);
    if (left > 0)
        hash = crypt_rest(gcm, seals, counter, in, out, left, hash);
    lengths = _mm_set_epi64x((long long)(bound.len * 8), (long long)(len * 8));
    store(tag, _mm_xor_si128(reversed(hash_block(gcm, hash, lengths)), mask));
}

/* The powers times x: the top bit, shifted out, comes back as the polynomial. */
TARGET static void make_powers(struct gcm *gcm)
{
    __m128i h = reversed(encrypted(gcm, _mm_setzero_si128()));
    __m128i over = _mm_shuffle_epi32(_mm_srai_epi32(h, 31), 0xff);
    __m128i shifted =
        _mm_or_si128(_mm_slli_epi64(h, 1), _mm_slli_si128(_mm_srli_epi64(h, 63), 8));
    __m128i first = _mm_xor_si128(
        shifted,
        _mm_and_si128(over, _mm_set_epi64x((long long)UINT64_C(0xc200000000000000), 1)));
    __m128i power = first;

    for (int i = BLOCKS - 1; i >= 0; i--) {
        store(gcm->powers[i], power);
        power = multiplied(power, first);
    }
}

static bool is_usable(void)
{
    unsigned wanted = CPU_AES | CPU_AVX2 | CPU_VAES | CPU_VPCLMULQDQ;

    return (cpu_features() & wanted) == wanted;
}

static struct gcm *gcm_of(struct aead *aead)
{
    return (struct gcm *)(void *)aead;
}

static struct aead *gcm_open(const struct aead_kind *kind, const uint8_t key[AEAD_KEY])
{
    struct gcm *gcm = is_usable() ? secret_heap_take(sizeof *gcm) : NULL;

    if (!gcm)
        return NULL;
    gcm->aead.kind = kind;
    aes_schedule_expand(&gcm->keys, key, AEAD_KEY);
    make_powers(gcm);
    return &gcm->aead;
}

TARGET static bool gcm_seal(struct aead *aead, const uint8_t nonce[AEAD_NONCE],
                            struct span bound, const uint8_t *in, uint8_t *out, size_t len,
                            uint8_t tag[AEAD_TAG])
{
    crypt_message(gcm_of(aead), true, nonce, bound, in, out, len, tag);
    return true;
}

TARGET static bool gcm_unseal(struct aead *aead, const uint8_t nonce[AEAD_NONCE],
                              struct span bound, const uint8_t *in, uint8_t *out, size_t len,
                              const uint8_t tag[AEAD_TAG])
{
    uint8_t right[AEAD_TAG];

    crypt_message(gcm_of(aead), false, nonce, bound, in, out, len, right);
    return equal_bytes(span_of(right, AEAD_TAG), span_of(tag, AEAD_TAG));
}

static void gcm_close(struct aead *aead)
{
    secret_heap_give(gcm_of(aead));
}

const struct aead_kind aead_aes_gcm_vaes256 = {
    .name = "aes-256-gcm",
    .provider = "native",
    .is_usable = is_usable,
    .open = gcm_open,
    .seal = gcm_seal,
    .unseal = gcm_unseal,
    .close = gcm_close,
};
