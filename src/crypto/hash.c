#include "crypto/hash.h"

#include <strings.h>

static const struct hash hashes[] = {
    {"sha256", "SHA2-256", 32, false},
    {"sha512", "SHA2-512", 64, false},
    {"sha1", "SHA1", 20, false},
    {"sha224", "SHA2-224", 28, false},
    {"sha384", "SHA2-384", 48, false},
    {"sha3-224", "SHA3-224", 28, false},
    {"sha3-256", "SHA3-256", 32, false},
    {"sha3-384", "SHA3-384", 48, false},
    {"sha3-512", "SHA3-512", 64, false},
    {"ripemd160", "RIPEMD-160", 20, false},
    {"whirlpool", "WHIRLPOOL", 64, true},
    {"blake2b-512", "BLAKE2B-512", 64, false},
    {"blake2s-256", "BLAKE2S-256", 32, false},
    {"sm3", "SM3", 32, false},
};

const struct hash *hash_find(const char *name)
{
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
        if (strcasecmp(hashes[i].name, name) == 0)
            return &hashes[i];
    }
    return NULL;
}

const struct hash hash_md5 = {"md5", "MD5", 16, false};
