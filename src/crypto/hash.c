#include "crypto/hash.h"

#include <strings.h>

static const struct hash hashes[] = {
    {"sha256", "SHA2-256", 32},
    {"sha512", "SHA2-512", 64},
    {"sha1", "SHA1", 20},
    {"sha224", "SHA2-224", 28},
    {"sha384", "SHA2-384", 48},
    {"sha3-224", "SHA3-224", 28},
    {"sha3-256", "SHA3-256", 32},
    {"sha3-384", "SHA3-384", 48},
    {"sha3-512", "SHA3-512", 64},
    {"ripemd160", "RIPEMD-160", 20},
    {"blake2b-512", "BLAKE2B-512", 64},
    {"blake2s-256", "BLAKE2S-256", 32},
    {"sm3", "SM3", 32},
};

const struct hash *hash_find(const char *name)
{
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
        if (strcasecmp(hashes[i].name, name) == 0)
            return &hashes[i];
    }
    return NULL;
}
