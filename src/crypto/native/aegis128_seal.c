/* AEGIS-128 on sectors, with random nonces of 128 bits. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "crypto/cipher.h"
#include "crypto/equal.h"
#include "crypto/native/aegis128.h"
#include "crypto/random.h"
#include "crypto/seal.h"

enum { STORED = AEGIS128_TAG + AEGIS128_NONCE };

extern const struct seal_kind seal_aegis128;

struct seal_aegis {
    struct seal seal;
    struct secret key;
};

static struct seal_aegis *aegis_of(struct seal *seal)
{
    return (struct seal_aegis *)(void *)seal;
}

static void aegis_close(struct seal *seal)
{
    secret_clear(&aegis_of(seal)->key);
    free(seal);
}

static enum rc aegis_open(struct seal **out, const struct seal_kind *kind,
                          const char *encryption, const struct secret *key,
                          uint32_t sector_size, struct fault *why)
{
    struct seal_aegis *a = calloc(1, sizeof *a);
    enum rc rc;

    (void)encryption;
    if (!a)
        return fail(why, RC_MEMORY, "no memory for a cipher");
    a->seal = (struct seal){.kind = kind, .sector_size = sector_size};
    if ((rc = secret_copy(&a->key, secret_span(key), why)) != RC_OK) {
        aegis_close(&a->seal);
        return rc;
    }
    *out = &a->seal;
    return RC_OK;
}

static void crypt_sector(const struct seal_aegis *a, bool encrypt, uint64_t sector,
                         const uint8_t *in, uint8_t *out, const uint8_t *nonce,
                         uint8_t tag[AEGIS128_TAG])
{
    uint8_t associated[8 + AEGIS128_NONCE];
    const struct aegis128_message message = {
        .key = a->key.at,
        .nonce = nonce,
        .associated = associated,
        .associated_len = sizeof associated,
        .in = in,
        .out = out,
        .len = a->seal.sector_size,
    };

    le64_put(associated, sector);
    memcpy(associated + 8, nonce, AEGIS128_NONCE);
    aegis128_engine()->crypt(&message, encrypt, tag);
}

static enum rc aegis_seal(struct seal *seal, const struct seal_run *run, uint8_t *stored,
                          struct fault *why)
{
    size_t size = seal->sector_size;
    uint64_t sector = run->sector;
    enum rc rc = random_bytes(stored, run->count * STORED, why);

    for (size_t i = 0; i < run->count && rc == RC_OK; i++, sector += size / CIPHER_SECTOR)
        crypt_sector(aegis_of(seal), true, sector, run->in + i * size, run->out + i * size,
                     stored + i * STORED + AEGIS128_TAG, stored + i * STORED);
    return rc;
}

static enum rc aegis_unseal(struct seal *seal, const struct seal_run *run,
                            const uint8_t *stored, struct fault *why)
{
    size_t size = seal->sector_size;
    uint64_t sector = run->sector;

    for (size_t i = 0; i < run->count; i++, sector += size / CIPHER_SECTOR) {
        const uint8_t *at = stored + i * STORED;
        uint8_t tag[AEGIS128_TAG];

        crypt_sector(aegis_of(seal), false, sector, run->in + i * size, run->out + i * size,
                     at + AEGIS128_TAG, tag);
        if (!equal_bytes(span_of(tag, sizeof tag), span_of(at, sizeof tag))) {
            wipe(run->out, run->count * size);
            return seal_mismatch(sector, why);
        }
    }
    return RC_OK;
}

const struct seal_kind seal_aegis128 = {
    .integrity = "aead",
    .encryption = "aegis128-random",
    .key_sizes = {AEGIS128_KEY},
    .tag_size = AEGIS128_TAG,
    .iv_size = AEGIS128_NONCE,
    .open = aegis_open,
    .encrypt = aegis_seal,
    .decrypt = aegis_unseal,
    .close = aegis_close,
};
