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

/* A key that is expanded once, for many codes; serves one call at a time. */
struct mac;

/* RC_UNSUPPORTED  as mac_compute */
enum rc mac_open(struct mac **out, const struct hash *hash, struct span key,
                 struct fault *why);
/* Another one with the same key, for another thread; NULL where there is no memory. */
struct mac *mac_copy(const struct mac *mac);
/* False: the library failed. */
bool mac_sum(struct mac *mac, const struct span *pieces, size_t count, uint8_t *out);
/* Harmless on NULL. */
void mac_close(struct mac *mac);

#endif
