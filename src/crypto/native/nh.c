#include "crypto/native/nh.h"

#include "base/bytes.h"
#include "crypto/cpu.h"

enum { PASSES = 4, UNIT_WORDS = NH_UNIT / 4 };

/* Each pass has its key one unit further on. */
static inline __attribute__((always_inline)) void
hash_units(const uint32_t *key, const uint8_t *message, size_t len, uint8_t out[NH_HASH])
{
    uint64_t sums[PASSES] = {0};

    for (size_t at = 0; at < len; at += NH_UNIT, key += UNIT_WORDS) {
        uint32_t m0 = le32_get(message + at), m1 = le32_get(message + at + 4);
        uint32_t m2 = le32_get(message + at + 8), m3 = le32_get(message + at + 12);

        for (int pass = 0; pass < PASSES; pass++) {
            const uint32_t *k = key + pass * UNIT_WORDS;

            sums[pass] += (uint64_t)(uint32_t)(m0 + k[0]) * (uint32_t)(m2 + k[2]);
            sums[pass] += (uint64_t)(uint32_t)(m1 + k[1]) * (uint32_t)(m3 + k[3]);
        }
    }
    for (int pass = 0; pass < PASSES; pass++)
        le64_put(out + 8 * pass, sums[pass]);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void
hash_avx2(const uint32_t *key, const uint8_t *message, size_t len, uint8_t out[NH_HASH])
{
    hash_units(key, message, len, out);
}
#endif

void nh_hash(const uint32_t *key, const uint8_t *message, size_t len, uint8_t out[NH_HASH])
{
#if defined(__x86_64__)
    if (cpu_features() & CPU_AVX2) {
        hash_avx2(key, message, len, out);
        return;
    }
#endif
    hash_units(key, message, len, out);
}
