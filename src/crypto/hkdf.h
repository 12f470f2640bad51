/* HKDF (RFC 5869) with SHA-256: keys for several uses from one. */
#ifndef CRYPTO_HKDF_H
#define CRYPTO_HKDF_H

#include "base/secret.h"

/* Extract (without a salt) and expand: fills out->len bytes of `out`, which is allocated. */
enum rc hkdf_derive(const struct secret *key, struct span info, struct secret *out,
                    struct fault *why);

/* The first 32 bytes of expand alone, from a key of 32 random bytes. */
enum { HKDF_BLOCK = 32 };
enum rc hkdf_expand_block(const uint8_t key[HKDF_BLOCK], struct span info,
                          uint8_t out[HKDF_BLOCK], struct fault *why);

#endif
