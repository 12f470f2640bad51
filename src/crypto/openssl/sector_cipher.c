/*
 * AES-XTS on sectors, through OpenSSL's EVP: for processors that crypto/native does not know. Keys
 * are expanded once, into a template for each direction; a call takes a copy of it from a pool,
 * so that threads share no context, and leaves it there for the next.
 *
 * Source: IEEE 1619.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "crypto/cipher.h"

enum { IV_SIZE = 16, POOL_SIZE = 16 };

extern const struct cipher_kind cipher_aes_xts_plain64, cipher_aes_xts_plain;

struct sector_cipher {
    struct cipher cipher;
    bool narrow;                 /* "plain": the sector number wraps at 32 bits */
    EVP_CIPHER_CTX *template[2]; /* decrypt, encrypt */
    pthread_mutex_t lock;
    EVP_CIPHER_CTX *pool[2][POOL_SIZE];
    size_t pooled[2];
};

static struct sector_cipher *sector_cipher_of(struct cipher *cipher)
{
    return (struct sector_cipher *)(void *)cipher;
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

/* NULL when there is no memory. */
static EVP_CIPHER_CTX *context_take(struct sector_cipher *c, bool encrypt)
{
    EVP_CIPHER_CTX *context = NULL;

    pthread_mutex_lock(&c->lock);
    if (c->pooled[encrypt] > 0)
        context = c->pool[encrypt][--c->pooled[encrypt]];
    pthread_mutex_unlock(&c->lock);
    return context ? context : copy_context(c->template[encrypt]);
}

static void context_give(struct sector_cipher *c, bool encrypt, EVP_CIPHER_CTX *context)
{
    pthread_mutex_lock(&c->lock);
    if (c->pooled[encrypt] < POOL_SIZE) {
        c->pool[encrypt][c->pooled[encrypt]++] = context;
        context = NULL;
    }
    pthread_mutex_unlock(&c->lock);
    EVP_CIPHER_CTX_free(context); /* wiped by the library */
}

static bool crypt_run(const struct sector_cipher *c, EVP_CIPHER_CTX *context, uint64_t sector,
                      const uint8_t *in, uint8_t *out, size_t len)
{
    size_t size = c->cipher.sector_size;

    for (size_t at = 0; at < len; at += size) {
        uint8_t iv[IV_SIZE] = {0};
        int done;

        le64_put(iv, c->narrow ? (uint32_t)sector : sector);
        if (EVP_CipherInit_ex2(context, NULL, NULL, iv, -1, NULL) != 1 ||
            EVP_CipherUpdate(context, out + at, &done, in + at, (int)size) != 1)
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
    EVP_CIPHER_CTX *context = context_take(c, encrypt);
    bool done;

    if (!context)
        return fail(why, RC_MEMORY, "no memory for a cipher");
    done = crypt_run(c, context, sector, in, out, len);
    context_give(c, encrypt, context);
    return done ? RC_OK : fail(why, RC_IO, "%s: the cipher failed", cipher->kind->encryption);
}

static void sector_cipher_close(struct cipher *cipher)
{
    struct sector_cipher *c = sector_cipher_of(cipher);

    for (int way = 0; way < 2; way++) {
        while (c->pooled[way] > 0)
            EVP_CIPHER_CTX_free(c->pool[way][--c->pooled[way]]);
        EVP_CIPHER_CTX_free(c->template[way]);
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

static enum rc sector_cipher_open(struct cipher **out, const struct cipher_kind *kind,
                                  const struct secret *key, uint32_t sector_size,
                                  struct fault *why)
{
    const char *name = key->len == 64 ? "AES-256-XTS" : "AES-128-XTS";
    struct sector_cipher *c = calloc(1, sizeof *c);
    bool done = c;

    if (!c)
        return fail(why, RC_MEMORY, "no memory for a cipher");
    c->cipher = (struct cipher){.kind = kind, .sector_size = sector_size};
    c->narrow = kind == &cipher_aes_xts_plain;
    pthread_mutex_init(&c->lock, NULL);
    for (int way = 0; way < 2 && done; way++)
        done = (c->template[way] = expand(name, key->at, way)) != NULL;
    if (!done) {
        sector_cipher_close(&c->cipher);
        return fail(why, RC_UNSUPPORTED, "the cipher \"%s\" does not take this key",
                    kind->encryption);
    }
    *out = &c->cipher;
    return RC_OK;
}

const struct cipher_kind cipher_aes_xts_plain64 = {
    .encryption = "aes-xts-plain64",
    .provider = "OpenSSL",
    .key_sizes = {64, 32},
    .open = sector_cipher_open,
    .crypt = sector_cipher_crypt,
    .close = sector_cipher_close,
};

const struct cipher_kind cipher_aes_xts_plain = {
    .encryption = "aes-xts-plain",
    .provider = "OpenSSL",
    .key_sizes = {64, 32},
    .open = sector_cipher_open,
    .crypt = sector_cipher_crypt,
    .close = sector_cipher_close,
};
