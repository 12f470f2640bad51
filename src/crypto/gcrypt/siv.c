/* AES-256-SIV by libgcrypt: a handle is made ready again for next to nothing, where one of OpenSSL serves a single
 * call and is copied for each, which takes ten times as long. */
#include "crypto/siv.h"

#include <pthread.h>

#include "base/secret_heap.h"
#include "crypto/gcrypt/handle.h"

extern const struct siv_kind siv_gcrypt;

struct handle {
    struct siv siv;
    pthread_mutex_t lock; /* a call takes less than a microsecond, but for long texts */
    gcry_cipher_hd_t cipher;
};

static struct handle *handle_of(struct siv *siv)
{
    return (struct handle *)(void *)siv;
}

static struct siv *gcrypt_open(const struct siv_kind *kind, const uint8_t key[SIV_KEY])
{
    const struct secret borrowed = {.at = (uint8_t *)(uintptr_t)key, .len = SIV_KEY};
    struct handle *handle;

    handle_start();
    if (!(handle = secret_heap_take(sizeof *handle)))
        return NULL;
    handle->siv.kind = kind;
    handle->cipher = handle_open(GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_SIV, &borrowed);
    if (!handle->cipher) {
        secret_heap_give(handle);
        return NULL;
    }
    pthread_mutex_init(&handle->lock, NULL);
    return &handle->siv;
}

/* With the lock: ready for one text, with the strings bound to it. */
static bool begin(struct handle *handle, const struct span *bound, size_t count)
{
    if (gcry_cipher_reset(handle->cipher) != 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (gcry_cipher_authenticate(handle->cipher, bound[i].at, bound[i].len) != 0)
            return false;
    return true;
}

static bool gcrypt_seal(struct siv *siv, const struct span *bound, size_t count,
                        const uint8_t *in, size_t len, uint8_t *out)
{
    struct handle *handle = handle_of(siv);
    bool good;

    pthread_mutex_lock(&handle->lock);
    good = begin(handle, bound, count) &&
           gcry_cipher_encrypt(handle->cipher, out + SIV_TAG, len, in, len) == 0 &&
           gcry_cipher_gettag(handle->cipher, out, SIV_TAG) == 0;
    pthread_mutex_unlock(&handle->lock);
    return good;
}

static bool gcrypt_unseal(struct siv *siv, const struct span *bound, size_t count,
                          const uint8_t *in, size_t len, uint8_t *out)
{
    struct handle *handle = handle_of(siv);
    bool good;

    len -= SIV_TAG;
    pthread_mutex_lock(&handle->lock);
    good = begin(handle, bound, count) &&
           gcry_cipher_set_decryption_tag(handle->cipher, in, SIV_TAG) == 0 &&
           gcry_cipher_decrypt(handle->cipher, out, len, in + SIV_TAG, len) == 0;
    pthread_mutex_unlock(&handle->lock);
    return good;
}

static void gcrypt_close(struct siv *siv)
{
    struct handle *handle = handle_of(siv);

    gcry_cipher_close(handle->cipher); /* wiped by the library */
    pthread_mutex_destroy(&handle->lock);
    secret_heap_give(handle);
}

const struct siv_kind siv_gcrypt = {
    .provider = "libgcrypt",
    .open = gcrypt_open,
    .seal = gcrypt_seal,
    .unseal = gcrypt_unseal,
    .close = gcrypt_close,
};
