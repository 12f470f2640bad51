#include "crypto/mac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "crypto/openssl/legacy.h"

static bool compute(EVP_MAC_CTX *context, const struct hash *hash, struct span key,
                    const struct span *pieces, size_t count, uint8_t *out)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                         (char *)(uintptr_t)hash->library, 0),
        OSSL_PARAM_construct_end(),
    };
    static const uint8_t none[1];
    size_t len;

    if (EVP_MAC_init(context, key.len > 0 ? key.at : none, key.len, params) != 1)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (EVP_MAC_update(context, pieces[i].at, pieces[i].len) != 1)
            return false;
    }
    return EVP_MAC_final(context, out, &len, hash->size) == 1 && len == hash->size;
}

enum rc mac_compute(const struct hash *hash, struct span key, const struct span *pieces,
                    size_t count, uint8_t *out, struct fault *why)
{
    EVP_MAC *mac = EVP_MAC_fetch(legacy_context(hash), "HMAC", NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    bool done = context && compute(context, hash, key, pieces, count, out);

    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
    return done ? RC_OK
                : fail(why, RC_UNSUPPORTED, "HMAC with %s is not to be had", hash->name);
}
