/*
 * AES-256-SIV with AES-NI, for texts as short as names and keys: no state is made for a call, and so no
 * lock is taken, and little code is gone through that the call before left to be fetched anew.
 *
 * Source: RFC 5297; CMAC is NIST SP 800-38B.
 */
#include <immintrin.h>
#include <string.h>

#include "base/secret_heap.h"
#include "crypto/cpu.h"
#include "crypto/equal.h"
#include "crypto/native/aes_schedule.h"
#include "crypto/native/unroll.h"
#include "crypto/siv.h"

#define TARGET __attribute__((target("aes,sse4.1")))
#define INLINE TARGET __attribute__((always_inline)) static inline

extern const struct siv_kind siv_aesni;

enum { KEY = SIV_KEY / 2 };

struct keys {
    struct siv siv;
    struct aes_schedule mac, counter;
    alignas(16) uint8_t whole[AES_BLOCK], padded[AES_BLOCK]; /* CMAC's two subkeys */
    alignas(16) uint8_t zero[AES_BLOCK];                     /* the CMAC of a block of zeros */
};

INLINE __m128i load(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

INLINE void store(uint8_t *at, __m128i x)
{
    _mm_storeu_si128((__m128i *)(void *)at, x);
}

INLINE __m128i encrypted(const struct aes_schedule *keys, __m128i x)
{
    x = _mm_xor_si128(x, load(keys->round[0]));
    UNROLL
    for (int i = 1; i < AES_ROUNDS_256; i++)
        x = _mm_aesenc_si128(x, load(keys->round[i]));
    return _mm_aesenclast_si128(x, load(keys->round[AES_ROUNDS_256]));
}

INLINE __m128i reversed(__m128i x)
{
    return _mm_shuffle_epi8(
        x, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

/* Times x, of a number whose first byte is the highest one. */
INLINE __m128i twice(__m128i number)
{
    __m128i x = reversed(number);
    __m128i signs = _mm_shuffle_epi32(_mm_srai_epi32(x, 31), 0x13);
    __m128i carry = _mm_and_si128(signs, _mm_set_epi32(0, 1, 0, 0x87));

    return reversed(_mm_xor_si128(_mm_add_epi64(x, x), carry));
}

/* Less than a block, behind which a one and zeros come. */
INLINE __m128i padded(const uint8_t *at, size_t len)
{
    alignas(16) uint8_t block[AES_BLOCK] = {0};
    __m128i x;

    if (len > 0)
        memcpy(block, at, len);
    block[len] = 0x80;
    x = load(block);
    wipe(block, sizeof block);
    return x;
}

/* CMAC from a state on: all blocks but the last are hashed as they are. */
TARGET static __m128i cmac(const struct keys *keys, __m128i state, const uint8_t *at,
                           size_t len)
{
    for (; len > AES_BLOCK; at += AES_BLOCK, len -= AES_BLOCK)
        state = encrypted(&keys->mac, _mm_xor_si128(state, load(at)));
    if (len == AES_BLOCK)
        state = _mm_xor_si128(state, _mm_xor_si128(load(at), load(keys->whole)));
    else
        state = _mm_xor_si128(state, _mm_xor_si128(padded(at, len), load(keys->padded)));
    return encrypted(&keys->mac, state);
}

/* Of a block or more, whose last 16 bytes have `end` added. */
TARGET static __m128i cmac_ending(const struct keys *keys, const uint8_t *at, size_t len,
                                  __m128i end)
{
    uint8_t rest[2 * AES_BLOCK];
    __m128i state = _mm_setzero_si128();

    for (; len >= 2 * AES_BLOCK; at += AES_BLOCK, len -= AES_BLOCK)
        state = encrypted(&keys->mac, _mm_xor_si128(state, load(at)));
    memcpy(rest, at, len);
    store(rest + len - AES_BLOCK, _mm_xor_si128(load(rest + len - AES_BLOCK), end));
    state = cmac(keys, state, rest, len);
    wipe(rest, sizeof rest);
    return state;
}

/* S2V, which gives the synthetic IV. */
TARGET static __m128i synthetic(const struct keys *keys, const struct span *bound,
                                size_t count, const uint8_t *text, size_t len)
{
    __m128i sum = load(keys->zero);

    for (size_t i = 0; i < count; i++)
        sum = _mm_xor_si128(twice(sum),
                            cmac(keys, _mm_setzero_si128(), bound[i].at, bound[i].len));
    if (len >= AES_BLOCK)
        return cmac_ending(keys, text, len, sum);
    sum = _mm_xor_si128(_mm_xor_si128(twice(sum), padded(text, len)), load(keys->whole));
    return encrypted(&keys->mac, sum);
}

/* The IV without two bits is the counter: so its last word does not overflow. */
TARGET static void crypt_text(const struct keys *keys, __m128i iv, const uint8_t *in,
                              size_t len, uint8_t *out)
{
    __m128i bits = _mm_set_epi32((int)0xffffff7f, (int)0xffffff7f, -1, -1);
    __m128i counter = reversed(_mm_and_si128(iv, bits));
    alignas(16) uint8_t block[AES_BLOCK];

    for (; len >= AES_BLOCK; in += AES_BLOCK, out += AES_BLOCK, len -= AES_BLOCK) {
        store(out, _mm_xor_si128(load(in), encrypted(&keys->counter, reversed(counter))));
        counter = _mm_add_epi32(counter, _mm_set_epi32(0, 0, 0, 1));
    }
    if (len == 0)
        return;
    store(block, encrypted(&keys->counter, reversed(counter)));
    for (size_t i = 0; i < len; i++)
        out[i] = in[i] ^ block[i];
    wipe(block, sizeof block);
}

static bool is_usable(void)
{
    return cpu_features() & CPU_AES;
}

static struct keys *keys_of(struct siv *siv)
{
    return (struct keys *)(void *)siv;
}

TARGET static void make_subkeys(struct keys *keys)
{
    __m128i whole = twice(encrypted(&keys->mac, _mm_setzero_si128()));
    const uint8_t zeros[AES_BLOCK] = {0};

    store(keys->whole, whole);
    store(keys->padded, twice(whole));
    store(keys->zero, cmac(keys, _mm_setzero_si128(), zeros, sizeof zeros));
}

static struct siv *aesni_open(const struct siv_kind *kind, const uint8_t key[SIV_KEY])
{
    struct keys *keys = is_usable() ? secret_heap_take(sizeof *keys) : NULL;

    if (!keys)
        return NULL;
    keys->siv.kind = kind;
    aes_schedule_expand(&keys->mac, key, KEY);
    aes_schedule_expand(&keys->counter, key + KEY, KEY);
    make_subkeys(keys);
    return &keys->siv;
}

TARGET static bool aesni_seal(struct siv *siv, const struct span *bound, size_t count,
                              const uint8_t *in, size_t len, uint8_t *out)
{
    const struct keys *keys = keys_of(siv);
    __m128i iv = synthetic(keys, bound, count, in, len);

    store(out, iv);
    crypt_text(keys, iv, in, len, out + SIV_TAG);
    return true;
}

TARGET static bool aesni_unseal(struct siv *siv, const struct span *bound, size_t count,
                                const uint8_t *in, size_t len, uint8_t *out)
{
    const struct keys *keys = keys_of(siv);
    uint8_t right[SIV_TAG];

    len -= SIV_TAG;
    crypt_text(keys, load(in), in + SIV_TAG, len, out);
    store(right, synthetic(keys, bound, count, out, len));
    if (equal_bytes(span_of(right, SIV_TAG), span_of(in, SIV_TAG)))
        return true;
    wipe(out, len);
    return false;
}

static void aesni_close(struct siv *siv)
{
    secret_heap_give(keys_of(siv));
}

const struct siv_kind siv_aesni = {
    .provider = "native",
    .is_usable = is_usable,
    .open = aesni_open,
    .seal = aesni_seal,
    .unseal = aesni_unseal,
    .close = aesni_close,
};
