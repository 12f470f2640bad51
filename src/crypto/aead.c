#include "crypto/aead.h"

#include <string.h>

#include "crypto/cpu.h"

extern const struct aead_kind aead_aes_gcm_ipsecmb_avx512, aead_aes_gcm_vaes256,
    aead_aes_gcm_ipsecmb, aead_aes_gcm_openssl, aead_chacha20_poly1305;

static const struct aead_kind *const kinds[] = {
#ifdef HAVE_IPSECMB
    &aead_aes_gcm_ipsecmb_avx512,
#endif
#ifdef __x86_64__
    &aead_aes_gcm_vaes256,
#endif
#ifdef HAVE_IPSECMB
    &aead_aes_gcm_ipsecmb,
#endif
    &aead_aes_gcm_openssl,        &aead_chacha20_poly1305,
};

const struct aead_kind *aead_kind_at(size_t index)
{
    return index < sizeof kinds / sizeof *kinds ? kinds[index] : NULL;
}

const struct aead_kind *aead_find(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i]->name, name) == 0 &&
            (!kinds[i]->is_usable || kinds[i]->is_usable()))
            return kinds[i];
    return NULL;
}

bool aead_prefers_aes(void)
{
#if defined(__aarch64__)
    return true; /* the library has its own instructions, on all but the smallest */
#else
    return cpu_features() & CPU_AES;
#endif
}

struct aead *aead_open(const struct aead_kind *kind, const uint8_t key[AEAD_KEY])
{
    return kind->open(kind, key);
}

bool aead_seal(struct aead *aead, const uint8_t nonce[AEAD_NONCE], struct span bound,
               const void *in, void *out, size_t len, uint8_t tag[AEAD_TAG])
{
    return aead->kind->seal(aead, nonce, bound, in, out, len, tag);
}

bool aead_unseal(struct aead *aead, const uint8_t nonce[AEAD_NONCE], struct span bound,
                 const void *in, void *out, size_t len, const uint8_t tag[AEAD_TAG])
{
    if (aead->kind->unseal(aead, nonce, bound, in, out, len, tag))
        return true;
    if (len > 0)
        memset(out, 0, len);
    return false;
}

void aead_close(struct aead *aead)
{
    if (aead)
        aead->kind->close(aead);
}
