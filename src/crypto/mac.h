/* HMAC (RFC 2104) over any hash of hash.h. */
#ifndef CRYPTO_MAC_H
#define CRYPTO_MAC_H

#include "crypto/hash.h"

/*
 * hash->size bytes go to `out`. Mind that HMAC pads short keys with zeros: keys that differ in
 * zeros at their end alone give the same code, so compare the lengths of keys as well.
 */
enum rc mac_compute(const struct hash *hash, struct span key, const struct span *pieces,
                    size_t count, uint8_t *out, struct fault *why);

#endif
