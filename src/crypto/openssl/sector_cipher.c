/*
 * AES on sectors, through OpenSSL's EVP. Keys are expanded once, into a template for each
 * direction; a call takes a copy of it from a pool, so that threads share no context, and
 * leaves it there for the next.
 *
 * Sources: IEEE 1619 (XTS); dm-crypt's IV generators plain, plain64 and essiv.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "crypto/cipher.h"
#include "crypto/hash.h"

enum { IV_SIZE = 16, POOL_SIZE = 16 };

extern const struct cipher_kind cipher_aes_xts_plain64, cipher_aes_xts_plain,
    cipher_aes_cbc_plain64, cipher_aes_cbc_plain, cipher_aes_cbc_essiv_sha256;

/* The contexts of one call: one direction of the cipher, and what encrypts its IVs (ESSIV), or
 * NULL. */
struct lane {
    EVP_CIPHER_CTX *data, *iv;
};

struct sector_cipher {
    struct cipher cipher;
    bool narrow;             /* "plain": the sector number wraps at 32 bits */
    struct lane template[2]; /* decrypt, encrypt */
    pthread_mutex_t lock;
    struct lane pool[2][POOL_SIZE];
    size_t pooled[2];
};

static struct sector_cipher *sector_cipher_of(struct cipher *cipher)
{
    return (struct sector_cipher *)(void *)cipher;
}

static void lane_free(struct lane *lane)
{
    EVP_CIPHER_CTX_free(lane->data); /* wiped by the library */
    EVP_CIPHER_CTX_free(lane->iv);
    *lane = (struct lane){0};
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

/* False when there is no memory. */
static bool lane_take(struct sector_cipher *c, bool encrypt, struct lane *lane)
{
    pthread_mutex_lock(&c->lock);
    *lane = c->pooled[encrypt] > 0 ? c->pool[encrypt][--c->pooled[encrypt]] : (struct lane){0};
    pthread_mutex_unlock(&c->lock);
    if (lane->data)
        return true;
    lane->data = copy_context(c->template[encrypt].data);
    lane->iv = c->template[encrypt].iv ? copy_context(c->template[encrypt].iv) : NULL;
    if (lane->data && (lane->iv || !c->template[encrypt].iv))
        return true;
    lane_free(lane);
    return false;
}

static void lane_give(struct sector_cipher *c, bool encrypt, struct lane *lane)
{
    pthread_mutex_lock(&c->lock);
    if (c->pooled[encrypt] < POOL_SIZE) {
        c->pool[encrypt][c->pooled[encrypt]++] = *lane;
        *lane = (struct lane){0};
    }
    pthread_mutex_unlock(&c->lock);
    lane_free(lane);
}

/* The IV of a sector: its number in little endian, which ESSIV then encrypts. */
static bool make_iv(const struct sector_cipher *c, struct lane *lane, uint64_t sector,
                    uint8_t iv[IV_SIZE])
{
    int len;

    memset(iv, 0, IV_SIZE);
    le64_put(iv, c->narrow ? (uint32_t)sector : sector);
    return !lane->iv || EVP_CipherUpdate(lane->iv, iv, &len, iv, IV_SIZE) == 1;
}

static bool crypt_run(const struct sector_cipher *c, struct lane *lane, uint64_t sector,
                      const uint8_t *in, uint8_t *out, size_t len)
{
    size_t size = c->cipher.sector_size;

    for (size_t at = 0; at < len; at += size) {
        uint8_t iv[IV_SIZE];
        int done;

        if (!make_iv(c, lane, sector, iv) ||
            EVP_CipherInit_ex2(lane->data, NULL, NULL, iv, -1, NULL) != 1 ||
            EVP_CipherUpdate(lane->data, out + at, &done, in + at, (int)size) != 1)
            return false;
        sector += cipher_step(&c->cipher);
    }
    return true;
}

static enum rc sector_cipher_crypt(struct cipher *cipher, bool encrypt, uint64_t sector,
                                   const uint8_t *in, uint8_t *out, size_t len,
                                   struct fault *why)
{
    struct sector_cipher *c = sector_cipher_of(cipher);
    struct lane lane;
    bool done;

    if (!lane_take(c, encrypt, &lane))
        return fail(why, RC_MEMORY, "no memory for a cipher");
    done = crypt_run(c, &lane, sector, in, out, len);
    lane_give(c, encrypt, &lane);
    return done ? RC_OK : fail(why, RC_IO, "%s: the cipher failed", cipher->kind->encryption);
}

static void sector_cipher_close(struct cipher *cipher)
{
    struct sector_cipher *c = sector_cipher_of(cipher);

    for (int way = 0; way < 2; way++) {
        while (c->pooled[way] > 0)
            lane_free(&c->pool[way][--c->pooled[way]]);
        lane_free(&c->template[way]);
    }
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* A context with its key expanded and no padding; NULL where the library refuses the key. */
static EVP_CIPHER_CTX *expand(const char *name, const uint8_t *key, bool encrypt)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    EVP_CIPHER_CTX *context = cipher ? EVP_CIPHER_CTX_new() : NULL;

    if (context && (EVP_CipherInit_ex2(context, cipher, key, NULL, encrypt, NULL) != 1 ||
                    EVP_CIPHER_CTX_set_padding(context, 0) != 1)) {
        EVP_CIPHER_CTX_free(context);
        context = NULL;
    }
    EVP_CIPHER_free(cipher);
    return context;
}

/* ESSIV encrypts IVs with AES-256 under the SHA-256 of the key. */
static bool expand_essiv(struct lane *lane, const struct secret *key)
{
    struct span piece = secret_span(key);
    SCOPED(secret) hashed = {0};

    if (secret_alloc(&hashed, 32, NULL) != RC_OK ||
        hash_compute(hash_find("sha256"), &piece, 1, hashed.at, NULL) != RC_OK)
        return false;
    lane->iv = expand("AES-256-ECB", hashed.at, true);
    return lane->iv;
}

/* Both directions under the library's name for the cipher and key size. */
static enum rc sector_cipher_open(struct cipher **out, const struct cipher_kind *kind,
                                  const struct secret *key, uint32_t sector_size,
                                  const char *name, struct fault *why)
{
    bool essiv = kind == &cipher_aes_cbc_essiv_sha256;
    struct sector_cipher *c = calloc(1, sizeof *c);
    bool done = c;

    if (!c)
        return fail(why, RC_MEMORY, "no memory for a cipher");
    c->cipher = (struct cipher){.kind = kind, .sector_size = sector_size};
    c->narrow = kind == &cipher_aes_xts_plain || kind == &cipher_aes_cbc_plain;
    pthread_mutex_init(&c->lock, NULL);
    for (int way = 0; way < 2 && done; way++) {
        c->template[way].data = expand(name, key->at, way);
        done = c->template[way].data && (!essiv || expand_essiv(&c->template[way], key));
    }
    if (!done) {
        sector_cipher_close(&c->cipher);
        return fail(why, RC_UNSUPPORTED, "the cipher \"%s\" does not take this key",
                    kind->encryption);
    }
    *out = &c->cipher;
    return RC_OK;
}

static enum rc open_xts(struct cipher **out, const struct cipher_kind *kind,
                        const struct secret *key, uint32_t sector_size, struct fault *why)
{
    return sector_cipher_open(out, kind, key, sector_size,
                              key->len == 64 ? "AES-256-XTS" : "AES-128-XTS", why);
}

static enum rc open_cbc(struct cipher **out, const struct cipher_kind *kind,
                        const struct secret *key, uint32_t sector_size, struct fault *why)
{
    const char *name = key->len == 32   ? "AES-256-CBC"
                       : key->len == 24 ? "AES-192-CBC"
                                        : "AES-128-CBC";

    return sector_cipher_open(out, kind, key, sector_size, name, why);
}

const struct cipher_kind cipher_aes_xts_plain64 = {
    .encryption = "aes-xts-plain64",
    .provider = "OpenSSL",
    .key_sizes = {64, 32},
    .open = open_xts,
    .crypt = sector_cipher_crypt,
    .close = sector_cipher_close,
};

const struct cipher_kind cipher_aes_xts_plain = {
    .encryption = "aes-xts-plain",
    .provider = "OpenSSL",
    .key_sizes = {64, 32},
    .open = open_xts,
    .crypt = sector_cipher_crypt,
    .close = sector_cipher_close,
};

const struct cipher_kind cipher_aes_cbc_plain64 = {
    .encryption = "aes-cbc-plain64",
    .provider = "OpenSSL",
    .key_sizes = {32, 24, 16},
    .open = open_cbc,
    .crypt = sector_cipher_crypt,
    .close = sector_cipher_close,
};

const struct cipher_kind cipher_aes_cbc_plain = {
    .encryption = "aes-cbc-plain",
    .provider = "OpenSSL",
    .key_sizes = {32, 24, 16},
    .open = open_cbc,
    .crypt = sector_cipher_crypt,
    .close = sector_cipher_close,
};

const struct cipher_kind cipher_aes_cbc_essiv_sha256 = {
    .encryption = "aes-cbc-essiv:sha256",
    .provider = "OpenSSL",
    .key_sizes = {32, 24, 16},
    .open = open_cbc,
    .crypt = sector_cipher_crypt,
    .close = sector_cipher_close,
};
