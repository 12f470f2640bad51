#include "crypto/kdf.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "crypto/openssl/legacy.h"

static bool derive(const struct kdf_params *params, struct span phrase, struct span salt,
                   struct secret *key)
{
    EVP_KDF *kdf = EVP_KDF_fetch(legacy_context(params->hash), "PBKDF2", NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    uint64_t passes = params->passes;
    int lenient =
        1; /* 0 would refuse short salts and few iterations, which headers may have */
    char *name = (char *)(uintptr_t)params->hash->library;
    OSSL_PARAM list[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD,
                                          (void *)(uintptr_t)phrase.at, phrase.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.at,
                                          salt.len),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_ITER, &passes),
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_PKCS5, &lenient),
        OSSL_PARAM_construct_end(),
    };
    bool done;

    done = context && EVP_KDF_derive(context, key->at, key->len, list) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return done;
}

static enum rc pbkdf2_derive(const struct kdf_params *params, struct span phrase,
                             struct span salt, struct secret *key, struct fault *why)
{
    if (derive(params, phrase, salt, key))
        return RC_OK;
    return fail(why, RC_UNSUPPORTED, "PBKDF2 with %s is not to be had", params->hash->name);
}

const struct kdf kdf_pbkdf2 = {.name = "pbkdf2", .derive = pbkdf2_derive};
