/* Where the library keeps an algorithm: the usual ones, or those it calls legacy. */
#ifndef CRYPTO_OPENSSL_LEGACY_H
#define CRYPTO_OPENSSL_LEGACY_H

#include <openssl/types.h>

#include "crypto/hash.h"

/*
 * The library context in which this hash is found: NULL, the common one, for most. Legacy
 * hashes have one of their own, so that nothing else in the process sees them; where the
 * provider is not installed, they are not found in it.
 */
OSSL_LIB_CTX *legacy_context(const struct hash *hash);

#endif
