#include "crypto/hkdf.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "crypto/mac.h"

static bool derive(EVP_KDF_CTX *context, const struct secret *key, struct span info,
                   struct secret *out)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t) "SHA256",
                                         0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key->at, key->len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info.at,
                                          info.len),
        OSSL_PARAM_construct_end(),
    };

    return EVP_KDF_derive(context, out->at, out->len, params) == 1;
}

enum rc hkdf_derive(const struct secret *key, struct span info, struct secret *out,
                    struct fault *why)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    bool done = context && derive(context, key, info, out);

    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return done ? RC_OK : fail(why, RC_UNSUPPORTED, "HKDF is not to be had");
}

enum rc hkdf_expand_block(const uint8_t key[HKDF_BLOCK], struct span info,
                          uint8_t out[HKDF_BLOCK], struct fault *why)
{
    static const uint8_t first = 1;
    const struct span pieces[] = {info, span_of(&first, 1)};

    return mac_compute(hash_find("sha256"), span_of(key, HKDF_BLOCK), pieces, 2, out, why);
}
