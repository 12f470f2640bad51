/* A sector cipher with an HMAC over what it gives: encrypt, then authenticate. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "crypto/cipher.h"
#include "crypto/equal.h"
#include "crypto/iv.h"
#include "crypto/mac.h"
#include "crypto/seal.h"

extern const struct seal_kind seal_hmac_sha1, seal_hmac_sha256, seal_hmac_sha512;

struct seal_hmac {
    struct seal seal;
    struct cipher *cipher;
    struct mac *mac;
    enum iv_kind iv;
};

static struct seal_hmac *hmac_of(struct seal *seal)
{
    return (struct seal_hmac *)(void *)seal;
}

static void hmac_close(struct seal *seal)
{
    cipher_close(hmac_of(seal)->cipher);
    mac_close(hmac_of(seal)->mac);
    free(seal);
}

static const struct hash *hash_of(const struct seal_kind *kind)
{
    return hash_find(kind->tag_size == 20   ? "sha1"
                     : kind->tag_size == 32 ? "sha256"
                                            : "sha512");
}

/* The key of the cipher comes first, that of the HMAC behind it. */
static enum rc open_parts(struct seal_hmac *a, const char *encryption,
                          const struct secret *key, struct fault *why)
{
    size_t len = key->len - a->seal.kind->key_sizes[0];
    SCOPED(secret) front = {0};
    enum rc rc = secret_copy(&front, span_of(key->at, len), why);

    if (rc != RC_OK ||
        (rc = cipher_open(&a->cipher, encryption, &front, a->seal.sector_size, why)))
        return rc;
    a->iv = iv_find(strrchr(encryption, '-') + 1);
    return mac_open(&a->mac, hash_of(a->seal.kind), span_of(key->at + len, key->len - len),
                    why);
}

static enum rc hmac_open(struct seal **out, const struct seal_kind *kind,
                         const char *encryption, const struct secret *key,
                         uint32_t sector_size, struct fault *why)
{
    struct seal_hmac *a = calloc(1, sizeof *a);
    enum rc rc;

    if (!a)
        return fail(why, RC_MEMORY, "no memory for a cipher");
    a->seal = (struct seal){.kind = kind, .sector_size = sector_size};
    if ((rc = open_parts(a, encryption, key, why)) != RC_OK) {
        hmac_close(&a->seal);
        return rc;
    }
    *out = &a->seal;
    return RC_OK;
}

static bool sum_sector(const struct seal_hmac *a, struct mac *mac, uint64_t sector,
                       const uint8_t *at, uint8_t tag[HASH_SIZE_MAX])
{
    uint8_t number[8], iv[IV_SIZE];
    const struct span pieces[] = {span_of(number, sizeof number), span_of(iv, sizeof iv),
                                  span_of(at, a->seal.sector_size)};

    le64_put(number, sector);
    iv_put(a->iv, sector + a->seal.iv_tweak, a->seal.sector_size, iv, sizeof iv);
    return mac_sum(mac, pieces, 3, tag);
}

/* Writes the tags of a run's ciphertext, or compares them. */
static enum rc sum_run(const struct seal_hmac *a, const struct seal_run *run,
                       const uint8_t *at, uint8_t *write, const uint8_t *compare,
                       struct fault *why)
{
    size_t size = a->seal.sector_size, tag_size = a->seal.kind->tag_size;
    struct mac *mac = mac_copy(a->mac);
    uint64_t sector = run->sector;
    enum rc rc = mac ? RC_OK : fail(why, RC_MEMORY, "no memory for a tag");

    for (size_t i = 0; i < run->count && rc == RC_OK; i++, sector += size / CIPHER_SECTOR) {
        uint8_t tag[HASH_SIZE_MAX];

        if (!sum_sector(a, mac, sector, at + i * size, tag))
            rc = fail(why, RC_IO, "%s: the hash failed", a->seal.kind->integrity);
        else if (write)
            memcpy(write + i * tag_size, tag, tag_size);
        else if (!equal_bytes(span_of(tag, tag_size),
                              span_of(compare + i * tag_size, tag_size)))
            rc = seal_mismatch(sector, why);
    }
    mac_close(mac);
    return rc;
}

static enum rc hmac_encrypt(struct seal *seal, const struct seal_run *run, uint8_t *stored,
                            struct fault *why)
{
    const struct seal_hmac *a = hmac_of(seal);
    enum rc rc = cipher_encrypt(a->cipher, run->sector + seal->iv_tweak, run->in, run->out,
                                run->count * seal->sector_size, why);

    return rc != RC_OK ? rc : sum_run(a, run, run->out, stored, NULL, why);
}

static enum rc hmac_decrypt(struct seal *seal, const struct seal_run *run,
                            const uint8_t *stored, struct fault *why)
{
    const struct seal_hmac *a = hmac_of(seal);
    enum rc rc = sum_run(a, run, run->in, NULL, stored, why);

    return rc != RC_OK ? rc
                       : cipher_decrypt(a->cipher, run->sector + seal->iv_tweak, run->in,
                                        run->out, run->count * seal->sector_size, why);
}

#define HMAC_KIND(WORD, SIZE)                                                                 \
    {                                                                                         \
        .integrity = WORD, .key_sizes = {SIZE}, .tag_size = SIZE, .open = hmac_open,          \
        .encrypt = hmac_encrypt, .decrypt = hmac_decrypt, .close = hmac_close,                \
    }

const struct seal_kind seal_hmac_sha1 = HMAC_KIND("hmac(sha1)", 20);
const struct seal_kind seal_hmac_sha256 = HMAC_KIND("hmac(sha256)", 32);
const struct seal_kind seal_hmac_sha512 = HMAC_KIND("hmac(sha512)", 64);
