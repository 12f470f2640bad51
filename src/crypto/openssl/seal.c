/*
 * AES-GCM and ChaCha20-Poly1305 on sectors, through OpenSSL's EVP, with random nonces of 96
 * bits: a key of AES-GCM should not write more than 2^32 sectors.
 *
 * Sources: NIST SP 800-38D; RFC 8439.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "crypto/cipher.h"
#include "crypto/random.h"
#include "crypto/seal.h"

enum { TAG = 16, NONCE = 12 };

extern const struct seal_kind seal_aes_gcm, seal_chacha20_poly1305;

struct seal_evp {
    struct seal seal;
    EVP_CIPHER_CTX *template[2]; /* the key expanded: decrypt, encrypt */
};

static struct seal_evp *evp_of(struct seal *seal)
{
    return (struct seal_evp *)(void *)seal;
}

static void evp_close(struct seal *seal)
{
    for (int way = 0; way < 2; way++)
        EVP_CIPHER_CTX_free(evp_of(seal)->template[way]);
    free(seal);
}

static const EVP_CIPHER *cipher_of(const struct seal_kind *kind, size_t key_len)
{
    if (kind == &seal_chacha20_poly1305)
        return EVP_chacha20_poly1305();
    return key_len == 32   ? EVP_aes_256_gcm()
           : key_len == 24 ? EVP_aes_192_gcm()
                           : EVP_aes_128_gcm();
}

static enum rc evp_open(struct seal **out, const struct seal_kind *kind,
                        const char *encryption, const struct secret *key, uint32_t sector_size,
                        struct fault *why)
{
    struct seal_evp *a = calloc(1, sizeof *a);

    if (!a)
        return fail(why, RC_MEMORY, "no memory for a cipher");
    a->seal = (struct seal){.kind = kind, .sector_size = sector_size};
    for (int way = 0; way < 2; way++) {
        a->template[way] = EVP_CIPHER_CTX_new();
        if (a->template[way] && EVP_CipherInit_ex2(a->template[way], cipher_of(kind, key->len),
                                                   key -> at, NULL, way, NULL) == 1)
            continue;
        evp_close(&a->seal);
        return fail(why, RC_UNSUPPORTED, "the cipher \"%s\" does not take this key",
                    encryption);
    }
    *out = &a->seal;
    return RC_OK;
}

static EVP_CIPHER_CTX *copy_context(const EVP_CIPHER_CTX *from)
{
    EVP_CIPHER_CTX *copy = EVP_CIPHER_CTX_new();

    if (copy && EVP_CIPHER_CTX_copy(copy, from) != 1) {
        EVP_CIPHER_CTX_free(copy);
        return NULL;
    }
    return copy;
}

/* Begins a sector: its nonce, and what is authenticated without being encrypted. */
static bool begin(EVP_CIPHER_CTX *context, uint64_t sector, const uint8_t *nonce)
{
    uint8_t associated[8 + NONCE];
    int len;

    le64_put(associated, sector);
    memcpy(associated + 8, nonce, NONCE);
    return EVP_CipherInit_ex2(context, NULL, NULL, nonce, -1, NULL) == 1 &&
           EVP_CipherUpdate(context, NULL, &len, associated, sizeof associated) == 1;
}

static bool seal_sector(EVP_CIPHER_CTX *context, uint64_t sector, const uint8_t *in,
                        uint8_t *out, size_t size, uint8_t *stored)
{
    int len;

    return begin(context, sector, stored + TAG) &&
           EVP_CipherUpdate(context, out, &len, in, (int)size) == 1 &&
           EVP_CipherFinal_ex(context, out + size, &len) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG, stored) == 1;
}

/* *good: the tag is that of the sector. */
static bool unseal_sector(EVP_CIPHER_CTX *context, uint64_t sector, const uint8_t *in,
                          uint8_t *out, size_t size, const uint8_t *stored, bool *good)
{
    uint8_t tag[TAG];
    int len;

    memcpy(tag, stored, TAG);
    if (!begin(context, sector, stored + TAG) ||
        EVP_CipherUpdate(context, out, &len, in, (int)size) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG, tag) != 1)
        return false;
    *good = EVP_CipherFinal_ex(context, out + size, &len) == 1;
    return true;
}

static enum rc evp_seal(struct seal *seal, const struct seal_run *run, uint8_t *stored,
                        struct fault *why)
{
    size_t size = seal->sector_size, step = seal_stored_size(seal->kind);
    EVP_CIPHER_CTX *context = copy_context(evp_of(seal)->template[1]);
    uint64_t sector = run->sector;
    enum rc rc = context ? random_bytes(stored, run->count * step, why)
                         : fail(why, RC_MEMORY, "no memory for a cipher");

    for (size_t i = 0; i < run->count && rc == RC_OK; i++, sector += size / CIPHER_SECTOR) {
        if (!seal_sector(context, sector, run->in + i * size, run->out + i * size, size,
                         stored + i * step))
            rc = fail(why, RC_IO, "%s: the cipher failed", seal->kind->encryption);
    }
    EVP_CIPHER_CTX_free(context);
    return rc;
}

static enum rc evp_unseal(struct seal *seal, const struct seal_run *run, const uint8_t *stored,
                          struct fault *why)
{
    size_t size = seal->sector_size, step = seal_stored_size(seal->kind);
    EVP_CIPHER_CTX *context = copy_context(evp_of(seal)->template[0]);
    uint64_t sector = run->sector;
    enum rc rc = context ? RC_OK : fail(why, RC_MEMORY, "no memory for a cipher");

    for (size_t i = 0; i < run->count && rc == RC_OK; i++, sector += size / CIPHER_SECTOR) {
        bool good;

        if (!unseal_sector(context, sector, run->in + i * size, run->out + i * size, size,
                           stored + i * step, &good))
            rc = fail(why, RC_IO, "%s: the cipher failed", seal->kind->encryption);
        else if (!good)
            rc = seal_mismatch(sector, why);
    }
    EVP_CIPHER_CTX_free(context);
    if (rc != RC_OK)
        wipe(run->out, run->count * size);
    return rc;
}

const struct seal_kind seal_aes_gcm = {
    .integrity = "aead",
    .encryption = "aes-gcm-random",
    .key_sizes = {32, 24, 16},
    .tag_size = TAG,
    .iv_size = NONCE,
    .open = evp_open,
    .encrypt = evp_seal,
    .decrypt = evp_unseal,
    .close = evp_close,
};

const struct seal_kind seal_chacha20_poly1305 = {
    .integrity = "poly1305",
    .encryption = "chacha20-random",
    .key_sizes = {32},
    .tag_size = TAG,
    .iv_size = NONCE,
    .open = evp_open,
    .encrypt = evp_seal,
    .decrypt = evp_unseal,
    .close = evp_close,
};
