#include "crypto/siv.h"

#include <stdlib.h>

#include <openssl/evp.h>

struct siv {
    EVP_CIPHER_CTX *way[2]; /* unseal, seal: with the key, to be copied for each call */
};

static EVP_CIPHER_CTX *keyed(EVP_CIPHER *cipher, bool seal, const uint8_t *key)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

    if (context && EVP_CipherInit_ex(context, cipher, NULL, key, NULL, seal) == 1)
        return context;
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

enum rc siv_open(struct siv **out, const struct secret *key, struct fault *why)
{
    struct siv *siv;
    EVP_CIPHER *cipher;

    if (key->len != SIV_KEY)
        return fail(why, RC_USAGE, "AES-256-SIV takes a key of %d bytes", SIV_KEY);
    if (!(siv = calloc(1, sizeof *siv)))
        return fail(why, RC_MEMORY, "no memory for a cipher");
    cipher = EVP_CIPHER_fetch(NULL, "AES-256-SIV", NULL);
    for (int way = 0; way < 2 && cipher; way++)
        siv->way[way] = keyed(cipher, way, key->at);
    EVP_CIPHER_free(cipher);
    if (!siv->way[0] || !siv->way[1]) {
        siv_close(siv);
        return fail(why, RC_UNSUPPORTED, "AES-256-SIV is not to be had");
    }
    *out = siv;
    return RC_OK;
}

static bool bind_all(EVP_CIPHER_CTX *context, const struct span *bound, size_t count)
{
    int done;

    for (size_t i = 0; i < count; i++)
        if (EVP_CipherUpdate(context, NULL, &done, bound[i].at, (int)bound[i].len) != 1)
            return false;
    return true;
}

static EVP_CIPHER_CTX *begin(struct siv *siv, bool seal)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

    if (context && EVP_CIPHER_CTX_copy(context, siv->way[seal]) == 1)
        return context;
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

bool siv_seal(struct siv *siv, const struct span *bound, size_t count, const void *in,
              size_t len, void *out)
{
    EVP_CIPHER_CTX *context = begin(siv, true);
    uint8_t *to = out;
    int done;
    bool good = context && bind_all(context, bound, count) &&
                EVP_CipherUpdate(context, to + SIV_TAG, &done, in, (int)len) == 1 &&
                EVP_CipherFinal_ex(context, to + SIV_TAG + len, &done) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, SIV_TAG, to) == 1;

    EVP_CIPHER_CTX_free(context);
    return good;
}

bool siv_unseal(struct siv *siv, const struct span *bound, size_t count, const void *in,
                size_t len, void *out)
{
    EVP_CIPHER_CTX *context;
    const uint8_t *from = in;
    uint8_t tag[SIV_TAG];
    int done;
    bool good;

    if (len <= SIV_TAG || !(context = begin(siv, false)))
        return false;
    memcpy(tag, from, SIV_TAG);
    good = EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, SIV_TAG, tag) == 1 &&
           bind_all(context, bound, count) &&
           EVP_CipherUpdate(context, out, &done, from + SIV_TAG, (int)(len - SIV_TAG)) == 1 &&
           EVP_CipherFinal_ex(context, tag, &done) == 1;
    EVP_CIPHER_CTX_free(context);
    return good;
}

void siv_close(struct siv *siv)
{
    if (!siv)
        return;
    EVP_CIPHER_CTX_free(siv->way[0]); /* wiped by the library */
    EVP_CIPHER_CTX_free(siv->way[1]);
    free(siv);
}
