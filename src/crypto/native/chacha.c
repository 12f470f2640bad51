#include "crypto/native/chacha.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/cpu.h"

enum { WORDS = 16, BLOCK = 64, LANES = 8 };

typedef uint32_t lanes __attribute__((vector_size(4 * LANES)));

/* The same lines work on one block (words) and on eight (vectors of words). */
#define ROTATE(v, n) ((v) << (n) | (v) >> (32 - (n)))
#define QUARTER(a, b, c, d)                                                                   \
    do {                                                                                      \
        a += b, d ^= a, d = ROTATE(d, 16);                                                    \
        c += d, b ^= c, b = ROTATE(b, 12);                                                    \
        a += b, d ^= a, d = ROTATE(d, 8);                                                     \
        c += d, b ^= c, b = ROTATE(b, 7);                                                     \
    } while (0)
#define DOUBLE_ROUND(x)                                                                       \
    do {                                                                                      \
        QUARTER(x[0], x[4], x[8], x[12]);                                                     \
        QUARTER(x[1], x[5], x[9], x[13]);                                                     \
        QUARTER(x[2], x[6], x[10], x[14]);                                                    \
        QUARTER(x[3], x[7], x[11], x[15]);                                                    \
        QUARTER(x[0], x[5], x[10], x[15]);                                                    \
        QUARTER(x[1], x[6], x[11], x[12]);                                                    \
        QUARTER(x[2], x[7], x[8], x[13]);                                                     \
        QUARTER(x[3], x[4], x[9], x[14]);                                                     \
    } while (0)

static void state_load(uint32_t state[WORDS], const uint8_t key[CHACHA_KEY],
                       const uint8_t last[16])
{
    static const uint8_t words[16] = {'e', 'x', 'p', 'a', 'n', 'd', ' ', '3',
                                      '2', '-', 'b', 'y', 't', 'e', ' ', 'k'};

    for (int i = 0; i < 4; i++) {
        state[i] = le32_get(words + 4 * i);
        state[4 + i] = le32_get(key + 4 * i);
        state[8 + i] = le32_get(key + 16 + 4 * i);
        state[12 + i] = le32_get(last + 4 * i);
    }
}

/* A key made of a key and the first 16 bytes of a long nonce. */
static void hchacha(unsigned rounds, const uint8_t key[CHACHA_KEY], const uint8_t nonce[16],
                    uint8_t out[CHACHA_KEY])
{
    uint32_t x[WORDS];

    state_load(x, key, nonce);
    for (unsigned i = 0; i < rounds; i += 2)
        DOUBLE_ROUND(x);
    for (int i = 0; i < 4; i++) {
        le32_put(out + 4 * i, x[i]);
        le32_put(out + 16 + 4 * i, x[12 + i]);
    }
    wipe(x, sizeof x);
}

/* The key stream of eight blocks from the state's counter on, word by word. */
static inline __attribute__((always_inline)) void
make_stream(unsigned rounds, const uint32_t state[WORDS], uint32_t stream[WORDS][LANES])
{
    lanes start[WORDS], x[WORDS];
    uint64_t counter = state[12] | (uint64_t)state[13] << 32;

    for (int i = 0; i < WORDS; i++)
        start[i] = (lanes){0} + state[i];
    for (unsigned lane = 0; lane < LANES; lane++) {
        start[12][lane] = (uint32_t)(counter + lane);
        start[13][lane] = (uint32_t)((counter + lane) >> 32);
    }
    memcpy(x, start, sizeof x);
    for (unsigned i = 0; i < rounds; i += 2)
        DOUBLE_ROUND(x);
    for (int i = 0; i < WORDS; i++) {
        x[i] += start[i];
        memcpy(stream[i], &x[i], sizeof x[i]);
    }
}

static inline __attribute__((always_inline)) void crypt_lanes(unsigned rounds,
                                                              uint32_t state[WORDS],
                                                              const uint8_t *in, uint8_t *out,
                                                              size_t len)
{
    uint32_t stream[WORDS][LANES];
    uint64_t counter;

    for (size_t at = 0; at < len; at += LANES * BLOCK) {
        size_t part = len - at < LANES * BLOCK ? len - at : LANES * BLOCK;

        make_stream(rounds, state, stream);
        for (size_t i = 0; i + 4 <= part; i += 4)
            le32_put(out + at + i, le32_get(in + at + i) ^ stream[i / 4 % WORDS][i / BLOCK]);
        for (size_t i = part & ~(size_t)3; i < part; i++)
            out[at + i] =
                in[at + i] ^ (uint8_t)(stream[i / 4 % WORDS][i / BLOCK] >> i % 4 * 8);
        counter = (state[12] | (uint64_t)state[13] << 32) + LANES;
        state[12] = (uint32_t)counter;
        state[13] = (uint32_t)(counter >> 32);
    }
    wipe(stream, sizeof stream);
}

static void crypt_plainly(unsigned rounds, uint32_t state[WORDS], const uint8_t *in,
                          uint8_t *out, size_t len)
{
    crypt_lanes(rounds, state, in, out, len);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void
crypt_avx2(unsigned rounds, uint32_t state[WORDS], const uint8_t *in, uint8_t *out, size_t len)
{
    crypt_lanes(rounds, state, in, out, len);
}
#endif

void xchacha_crypt(unsigned rounds, const uint8_t key[CHACHA_KEY],
                   const uint8_t nonce[XCHACHA_NONCE], const uint8_t *in, uint8_t *out,
                   size_t len)
{
    uint8_t subkey[CHACHA_KEY], last[16] = {0};
    uint32_t state[WORDS];

    hchacha(rounds, key, nonce, subkey);
    memcpy(last + 8, nonce + 16, 8);
    state_load(state, subkey, last);
#if defined(__x86_64__)
    if (cpu_features() & CPU_AVX2)
        crypt_avx2(rounds, state, in, out, len);
    else
#endif
        crypt_plainly(rounds, state, in, out, len);
    wipe(subkey, sizeof subkey);
    wipe(state, sizeof state);
}
