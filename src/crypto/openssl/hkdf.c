#include "crypto/hkdf.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

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
