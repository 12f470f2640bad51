#include "crypto/hash.h"

#include <openssl/evp.h>

#include "crypto/openssl/legacy.h"

enum rc hash_compute(const struct hash *hash, const struct span *pieces, size_t count,
                     uint8_t *out, struct fault *why)
{
    EVP_MD *md = EVP_MD_fetch(legacy_context(hash), hash->library, NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = md && context && EVP_DigestInit_ex2(context, md, NULL) == 1;

    for (size_t i = 0; done && i < count; i++)
        done = EVP_DigestUpdate(context, pieces[i].at, pieces[i].len) == 1;
    done = done && EVP_DigestFinal_ex(context, out, NULL) == 1;
    EVP_MD_CTX_free(context);
    EVP_MD_free(md);
    return done ? RC_OK
                : fail(why, RC_UNSUPPORTED, "the hash %s is not to be had", hash->name);
}
