#include "crypto/native/xts.h"

#include <stdlib.h>

#include "base/secret.h"
#include "crypto/cipher.h"
#include "crypto/cpu.h"
#include "crypto/equal.h"

extern const struct xts_engine xts_vaes512, xts_vaes256, xts_aesni;
extern const struct cipher_kind cipher_native_xts_plain64, cipher_native_xts_plain;

static const struct xts_engine *const engines[] = {&xts_vaes512, &xts_vaes256, &xts_aesni};

const struct xts_engine *xts_engine_at(size_t index)
{
    return index < sizeof engines / sizeof *engines ? engines[index] : NULL;
}

bool xts_engine_is_usable(const struct xts_engine *engine)
{
    return (engine->needs & ~cpu_features()) == 0;
}

/* NULL where there is none. */
static const struct xts_engine *fastest(void)
{
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
        if (xts_engine_is_usable(engines[i]))
            return engines[i];
    }
    return NULL;
}

void xts_keys_expand(struct xts_keys *keys, const uint8_t *key, size_t key_len)
{
    size_t half = key_len / 2;

    keys->rounds = aes_schedule_expand(&keys->encrypt, key, half);
    aes_schedule_invert(&keys->decrypt, &keys->encrypt, keys->rounds);
    aes_schedule_expand(&keys->tweak, key + half, half);
}

void xts_crypt(const struct xts_engine *engine, const struct xts_keys *keys, bool encrypt,
               uint64_t first, uint64_t step, const struct xts_sectors *sectors)
{
    struct xts_sectors batch = *sectors;
    struct xts_tweaks tweaks;

    for (size_t left = sectors->count; left > 0; left -= batch.count) {
        batch.count = left < XTS_BATCH ? left : XTS_BATCH;
        engine->make_tweaks(keys, first, step, batch.count, &tweaks);
        (encrypt ? engine->encrypt : engine->decrypt)(keys, &tweaks, &batch);
        first += step * batch.count;
        batch.in += batch.size * batch.count;
        batch.out += batch.size * batch.count;
    }
    wipe(&tweaks, sizeof tweaks);
}

struct xts_cipher {
    struct cipher cipher;
    const struct xts_engine *engine;
    struct secret keys; /* a struct xts_keys */
};

static struct xts_cipher *xts_cipher_of(struct cipher *cipher)
{
    return (struct xts_cipher *)(void *)cipher;
}

static bool xts_is_usable(void)
{
    return fastest();
}

static void xts_close(struct cipher *cipher)
{
    struct xts_cipher *c = xts_cipher_of(cipher);

    secret_clear(&c->keys);
    free(c);
}

static enum rc xts_open(struct cipher **out, const struct cipher_kind *kind,
                        const struct secret *key, uint32_t sector_size, struct fault *why)
{
    size_t half = key->len / 2;
    struct xts_cipher *c;
    enum rc rc;

    if (equal_bytes(span_of(key->at, half), span_of(key->at + half, half)))
        return fail(why, RC_UNSUPPORTED, "the cipher \"%s\" takes no key of two equal halves",
                    kind->encryption);
    if (!(c = calloc(1, sizeof *c)))
        return fail(why, RC_MEMORY, "no memory for a cipher");
    c->cipher = (struct cipher){.kind = kind, .sector_size = sector_size};
    c->engine = fastest();
    if ((rc = secret_alloc(&c->keys, sizeof(struct xts_keys), why)) != RC_OK) {
        xts_close(&c->cipher);
        return rc;
    }
    xts_keys_expand((struct xts_keys *)(void *)c->keys.at, key->at, key->len);
    *out = &c->cipher;
    return RC_OK;
}

static enum rc crypt_plain64(struct cipher *cipher, bool encrypt, uint64_t sector,
                             const uint8_t *in, uint8_t *out, size_t len, struct fault *why)
{
    const struct xts_cipher *c = xts_cipher_of(cipher);
    size_t size = cipher->sector_size;
    struct xts_sectors run = {.in = in, .out = out, .size = size, .count = len / size};

    (void)why;
    xts_crypt(c->engine, (const struct xts_keys *)(const void *)c->keys.at, encrypt, sector,
              cipher_step(cipher), &run);
    return RC_OK;
}

/* Runs are cut where the number wraps. */
static enum rc crypt_plain(struct cipher *cipher, bool encrypt, uint64_t sector,
                           const uint8_t *in, uint8_t *out, size_t len, struct fault *why)
{
    uint64_t step = cipher_step(cipher);
    enum rc rc = RC_OK;

    for (size_t done = 0; done < len && rc == RC_OK;) {
        uint64_t number = (uint32_t)sector;
        uint64_t until_wrap = ((UINT64_C(1) << 32) - number + step - 1) / step;
        uint64_t left = (len - done) / cipher->sector_size;
        uint64_t count = left < until_wrap ? left : until_wrap;
        size_t part = (size_t)count * cipher->sector_size;

        rc = crypt_plain64(cipher, encrypt, number, in + done, out + done, part, why);
        sector += count * step;
        done += part;
    }
    return rc;
}

const struct cipher_kind cipher_native_xts_plain64 = {
    .encryption = "aes-xts-plain64",
    .provider = "native",
    .key_sizes = {64, 32},
    .is_usable = xts_is_usable,
    .open = xts_open,
    .crypt = crypt_plain64,
    .close = xts_close,
};

const struct cipher_kind cipher_native_xts_plain = {
    .encryption = "aes-xts-plain",
    .provider = "native",
    .key_sizes = {64, 32},
    .is_usable = xts_is_usable,
    .open = xts_open,
    .crypt = crypt_plain,
    .close = xts_close,
};
