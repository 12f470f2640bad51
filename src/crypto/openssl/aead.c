/* AES-256-GCM and ChaCha20-Poly1305, through OpenSSL's EVP. A call takes a context of the few that
 * an object keeps, so that threads share none. */
#include <pthread.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "crypto/aead.h"

enum { POOL_SIZE = 8 };

extern const struct aead_kind aead_aes_gcm_openssl, aead_chacha20_poly1305;

struct evp_aead {
    struct aead aead;
    EVP_CIPHER_CTX *first; /* with the key, to be copied */
    pthread_mutex_t lock;
    EVP_CIPHER_CTX *pool[POOL_SIZE];
    size_t pooled;
};

static struct evp_aead *evp_of(struct aead *aead)
{
    return (struct evp_aead *)(void *)aead;
}

static EVP_CIPHER_CTX *take(struct evp_aead *e)
{
    EVP_CIPHER_CTX *context;

    pthread_mutex_lock(&e->lock);
    context = e->pooled > 0 ? e->pool[--e->pooled] : NULL;
    pthread_mutex_unlock(&e->lock);
    if (context || !(context = EVP_CIPHER_CTX_new()))
        return context;
    if (EVP_CIPHER_CTX_copy(context, e->first) == 1)
        return context;
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

static void give(struct evp_aead *e, EVP_CIPHER_CTX *context)
{
    pthread_mutex_lock(&e->lock);
    if (e->pooled < POOL_SIZE) {
        e->pool[e->pooled++] = context;
        context = NULL;
    }
    pthread_mutex_unlock(&e->lock);
    EVP_CIPHER_CTX_free(context);
}

static void evp_close(struct aead *aead)
{
    struct evp_aead *e = evp_of(aead);

    while (e->pooled > 0)
        EVP_CIPHER_CTX_free(e->pool[--e->pooled]);
    EVP_CIPHER_CTX_free(e->first); /* wiped by the library */
    pthread_mutex_destroy(&e->lock);
    free(e);
}

static struct aead *evp_open(const struct aead_kind *kind, const EVP_CIPHER *cipher,
                             const uint8_t key[AEAD_KEY])
{
    struct evp_aead *e = calloc(1, sizeof *e);

    if (!e)
        return NULL;
    e->aead.kind = kind;
    pthread_mutex_init(&e->lock, NULL);
    e->first = EVP_CIPHER_CTX_new();
    if (!e->first || EVP_CipherInit_ex(e->first, cipher, NULL, key, NULL, 1) != 1) {
        evp_close(&e->aead);
        return NULL;
    }
    return &e->aead;
}

static struct aead *aes_gcm_open(const struct aead_kind *kind, const uint8_t key[AEAD_KEY])
{
    return evp_open(kind, EVP_aes_256_gcm(), key);
}

static struct aead *chacha20_open(const struct aead_kind *kind, const uint8_t key[AEAD_KEY])
{
    return evp_open(kind, EVP_chacha20_poly1305(), key);
}

static bool run(EVP_CIPHER_CTX *context, bool seal, const uint8_t *nonce, struct span bound,
                const uint8_t *in, uint8_t *out, size_t len, uint8_t *tag)
{
    uint8_t end[1];
    int done;

    return EVP_CipherInit_ex(context, NULL, NULL, NULL, nonce, seal) == 1 &&
           (seal || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG, tag) == 1) &&
           (bound.len == 0 ||
            EVP_CipherUpdate(context, NULL, &done, bound.at, (int)bound.len) == 1) &&
           (len == 0 || EVP_CipherUpdate(context, out, &done, in, (int)len) == 1) &&
           EVP_CipherFinal_ex(context, end, &done) == 1 &&
           (!seal || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG, tag) == 1);
}

static bool evp_run(struct aead *aead, bool seal, const uint8_t *nonce, struct span bound,
                    const uint8_t *in, uint8_t *out, size_t len, uint8_t *tag)
{
    EVP_CIPHER_CTX *context = take(evp_of(aead));
    bool done = context && run(context, seal, nonce, bound, in, out, len, tag);

    if (context)
        give(evp_of(aead), context);
    return done;
}

static bool evp_seal(struct aead *aead, const uint8_t nonce[AEAD_NONCE], struct span bound,
                     const uint8_t *in, uint8_t *out, size_t len, uint8_t tag[AEAD_TAG])
{
    return evp_run(aead, true, nonce, bound, in, out, len, tag);
}

static bool evp_unseal(struct aead *aead, const uint8_t nonce[AEAD_NONCE], struct span bound,
                       const uint8_t *in, uint8_t *out, size_t len,
                       const uint8_t tag[AEAD_TAG])
{
    uint8_t expected[AEAD_TAG];

    memcpy(expected, tag, AEAD_TAG);
    return evp_run(aead, false, nonce, bound, in, out, len, expected);
}

const struct aead_kind aead_aes_gcm_openssl = {
    .name = "aes-256-gcm",
    .provider = "OpenSSL",
    .open = aes_gcm_open,
    .seal = evp_seal,
    .unseal = evp_unseal,
    .close = evp_close,
};

const struct aead_kind aead_chacha20_poly1305 = {
    .name = "chacha20-poly1305",
    .provider = "OpenSSL",
    .open = chacha20_open,
    .seal = evp_seal,
    .unseal = evp_unseal,
    .close = evp_close,
};
