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

static EVP_MAC_CTX *context_of(const struct mac *mac)
{
    return (EVP_MAC_CTX *)(uintptr_t)mac;
}

enum rc mac_open(struct mac **out, const struct hash *hash, struct span key, struct fault *why)
{
    EVP_MAC *mac = EVP_MAC_fetch(legacy_context(hash), "HMAC", NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                         (char *)(uintptr_t)hash->library, 0),
        OSSL_PARAM_construct_end(),
    };

    EVP_MAC_free(mac); /* the context holds it */
    if (!context || EVP_MAC_init(context, key.at, key.len, params) != 1) {
        EVP_MAC_CTX_free(context);
        return fail(why, RC_UNSUPPORTED, "HMAC with %s is not to be had", hash->name);
    }
    *out = (struct mac *)(void *)context;
    return RC_OK;
}

struct mac *mac_copy(const struct mac *mac)
{
    return (struct mac *)(void *)EVP_MAC_CTX_dup(context_of(mac));
}

bool mac_sum(struct mac *mac, const struct span *pieces, size_t count, uint8_t *out)
{
    size_t len;

    if (EVP_MAC_init(context_of(mac), NULL, 0, NULL) != 1)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (EVP_MAC_update(context_of(mac), pieces[i].at, pieces[i].len) != 1)
            return false;
    }
    return EVP_MAC_final(context_of(mac), out, &len, HASH_SIZE_MAX) == 1;
}

void mac_close(struct mac *mac)
{
    EVP_MAC_CTX_free(context_of(mac));
}
