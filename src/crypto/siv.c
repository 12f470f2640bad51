#include "crypto/siv.h"

extern const struct siv_kind siv_aesni, siv_gcrypt;

static const struct siv_kind *const kinds[] = {
#ifdef __x86_64__
    &siv_aesni,
#endif
    &siv_gcrypt,
};

const struct siv_kind *siv_kind_at(size_t index)
{
    return index < sizeof kinds / sizeof *kinds ? kinds[index] : NULL;
}

enum rc siv_open(struct siv **out, const struct secret *key, struct fault *why)
{
    const struct siv_kind *kind;
    size_t index = 0;

    if (key->len != SIV_KEY)
        return fail(why, RC_USAGE, "AES-256-SIV takes a key of %d bytes", SIV_KEY);
    while ((kind = siv_kind_at(index)) && kind->is_usable && !kind->is_usable())
        index++;
    if (!kind || !(*out = kind->open(kind, key->at)))
        return fail(why, RC_UNSUPPORTED, "AES-256-SIV is not to be had");
    return RC_OK;
}

bool siv_seal(struct siv *siv, const struct span *bound, size_t count, const void *in,
              size_t len, void *out)
{
    return siv->kind->seal(siv, bound, count, in, len, out);
}

bool siv_unseal(struct siv *siv, const struct span *bound, size_t count, const void *in,
                size_t len, void *out)
{
    return len > SIV_TAG && siv->kind->unseal(siv, bound, count, in, len, out);
}

void siv_close(struct siv *siv)
{
    if (siv)
        siv->kind->close(siv);
}
