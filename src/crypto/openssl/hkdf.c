/* The one block that each file of a folder takes goes by the library's old functions, which take no memory and look
 * nothing up: half the time of its HMAC. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/hkdf.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/sha.h>

_Static_assert(HKDF_BLOCK == SHA256_DIGEST_LENGTH);

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

/* Begins one of the two hashes of HMAC (RFC 2104): with the key, padded and masked. */
static bool begin(SHA256_CTX *hash, const uint8_t key[HKDF_BLOCK], uint8_t mask)
{
    uint8_t padded[SHA256_CBLOCK];
    bool done;

    memset(padded, mask, sizeof padded);
    for (size_t i = 0; i < HKDF_BLOCK; i++)
        padded[i] ^= key[i];
    done = SHA256_Init(hash) == 1 && SHA256_Update(hash, padded, sizeof padded) == 1;
    wipe(padded, sizeof padded);
    return done;
}

enum rc hkdf_expand_block(const uint8_t key[HKDF_BLOCK], struct span info,
                          uint8_t out[HKDF_BLOCK], struct fault *why)
{
    static const uint8_t first = 1;
    SHA256_CTX hash;
    bool done = begin(&hash, key, 0x36) && SHA256_Update(&hash, info.at, info.len) == 1 &&
                SHA256_Update(&hash, &first, 1) == 1 && SHA256_Final(out, &hash) == 1 &&
                begin(&hash, key, 0x5c) && SHA256_Update(&hash, out, HKDF_BLOCK) == 1 &&
                SHA256_Final(out, &hash) == 1;

    wipe(&hash, sizeof hash);
    return done ? RC_OK : fail(why, RC_UNSUPPORTED, "HMAC with sha256 is not to be had");
}
