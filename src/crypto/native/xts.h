/*
 * AES-XTS on runs of sectors with the processor's own instructions (x86-64). An engine is one
 * technique: it sees batches of sectors and the tweak of each, and keeps nothing. No branch
 * and no address depends on a key, a tweak or data.
 *
 * Source: IEEE 1619-2007, section 5; there is no ciphertext stealing, as sectors are whole
 * blocks.
 */
#ifndef CRYPTO_NATIVE_XTS_H
#define CRYPTO_NATIVE_XTS_H

#include "crypto/native/aes_schedule.h"

enum { XTS_BATCH = 32 }; /* sectors whose tweaks are made at once */

/* Everything that a key expands to; belongs in a struct secret. */
struct xts_keys {
    struct aes_schedule tweak, encrypt, decrypt;
    int rounds;
};

/* Tweaks of the first block of each sector of a batch. */
struct xts_tweaks {
    alignas(64) uint8_t at[XTS_BATCH][AES_BLOCK];
};

/* Sectors one after the other; `in` may be `out`. `size` is a multiple of AES_BLOCK. */
struct xts_sectors {
    const uint8_t *in;
    uint8_t *out;
    size_t size, count;
};

/* One technique. A new one is a file beside this, and a line in xts.c. */
struct xts_engine {
    const char *name;
    unsigned needs; /* enum cpu_feature */

    /* Encrypts the numbers first, first + step ...: `count` of them, at most XTS_BATCH. May
     * write tweaks beyond these. */
    void (*make_tweaks)(const struct xts_keys *keys, uint64_t first, uint64_t step,
                        size_t count, struct xts_tweaks *tweaks);
    void (*encrypt)(const struct xts_keys *keys, const struct xts_tweaks *tweaks,
                    const struct xts_sectors *sectors);
    void (*decrypt)(const struct xts_keys *keys, const struct xts_tweaks *tweaks,
                    const struct xts_sectors *sectors);
};

/* The fastest first, whether this processor has it or not; NULL after the last. */
const struct xts_engine *xts_engine_at(size_t index);

/* True where this processor has all that the engine needs. */
bool xts_engine_is_usable(const struct xts_engine *engine);

/* key_len is 32 (AES-128) or 64 bytes: the data key, then the tweak key. */
void xts_keys_expand(struct xts_keys *keys, const uint8_t *key, size_t key_len);

/*
 * A run of any number of sectors of `sectors->size` bytes. The first has the number `first`,
 * and each that follows `step` more, modulo 2^64.
 */
void xts_crypt(const struct xts_engine *engine, const struct xts_keys *keys, bool encrypt,
               uint64_t first, uint64_t step, const struct xts_sectors *sectors);

#endif
