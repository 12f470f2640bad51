/* AES-256-SIV by libgcrypt: a handle is made ready again for next to nothing, where one of OpenSSL serves a single
 * call and is copied for each, which takes ten times as long. */
#include "crypto/siv.h"

#include <pthread.h>

#include "base/secret_heap.h"
#include "crypto/gcrypt/handle.h"

struct siv {
    pthread_mutex_t lock; /* a call takes less than a microsecond, but for long texts */
    gcry_cipher_hd_t handle;
};

enum rc siv_open(struct siv **out, const struct secret *key, struct fault *why)
{
    struct siv *siv;

    if (key->len != SIV_KEY)
        return fail(why, RC_USAGE, "AES-256-SIV takes a key of %d bytes", SIV_KEY);
    handle_start();
    if (!(siv = secret_heap_take(sizeof *siv)))
        return fail(why, RC_MEMORY, "no memory for a cipher");
    siv->handle = handle_open(GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_SIV, key);
    if (!siv->handle) {
        secret_heap_give(siv);
        return fail(why, RC_UNSUPPORTED, "AES-256-SIV is not to be had");
    }
    pthread_mutex_init(&siv->lock, NULL);
    *out = siv;
    return RC_OK;
}

/* With the lock: ready for one text, with the strings bound to it. */
static bool begin(struct siv *siv, const struct span *bound, size_t count)
{
    if (gcry_cipher_reset(siv->handle) != 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (gcry_cipher_authenticate(siv->handle, bound[i].at, bound[i].len) != 0)
            return false;
    return true;
}

bool siv_seal(struct siv *siv, const struct span *bound, size_t count, const void *in,
              size_t len, void *out)
{
    uint8_t *to = out;
    bool good;

    pthread_mutex_lock(&siv->lock);
    good = begin(siv, bound, count) &&
           gcry_cipher_encrypt(siv->handle, to + SIV_TAG, len, in, len) == 0 &&
           gcry_cipher_gettag(siv->handle, to, SIV_TAG) == 0;
    pthread_mutex_unlock(&siv->lock);
    return good;
}

bool siv_unseal(struct siv *siv, const struct span *bound, size_t count, const void *in,
                size_t len, void *out)
{
    const uint8_t *from = in;
    bool good;

    if (len <= SIV_TAG)
        return false;
    len -= SIV_TAG;
    pthread_mutex_lock(&siv->lock);
    good = begin(siv, bound, count) &&
           gcry_cipher_set_decryption_tag(siv->handle, from, SIV_TAG) == 0 &&
           gcry_cipher_decrypt(siv->handle, out, len, from + SIV_TAG, len) == 0;
    pthread_mutex_unlock(&siv->lock);
    return good;
}

void siv_close(struct siv *siv)
{
    if (!siv)
        return;
    gcry_cipher_close(siv->handle); /* wiped by the library */
    pthread_mutex_destroy(&siv->lock);
    secret_heap_give(siv);
}
