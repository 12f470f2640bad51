#include "crypto/equal.h"

#include <openssl/crypto.h>

bool equal_bytes(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.at, b.at, a.len) == 0);
}
