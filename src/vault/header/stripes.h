/*
 * The anti-forensic splitter of LUKS: a key becomes 4000 stripes, all of which are needed to
 * get it back. The split form passes as a stream; only one stripe is ever held. LUKS1 On-Disk
 * Format Specification, 2.4.
 */
#ifndef VAULT_HEADER_STRIPES_H
#define VAULT_HEADER_STRIPES_H

#include "base/secret.h"
#include "crypto/hash.h"

/* {0}, then stripes_init; one direction only. */
struct stripes {
    const struct hash *hash;
    struct secret block; /* one stripe's state, and room for a hash behind it */
    size_t key_len, at;  /* at: the next byte of the stripe */
    uint32_t done;       /* whole stripes so far */
};

enum rc stripes_init(struct stripes *s, const struct hash *hash, size_t key_len,
                     struct fault *why);

/* Bytes of the whole split form. */
uint64_t stripes_size(size_t key_len);

/* The next bytes of the split form, not more than its size in all. */
enum rc stripes_merge(struct stripes *s, const uint8_t *bytes, size_t len, struct fault *why);

/* Once all has been merged: the key. */
enum rc stripes_key(const struct stripes *s, struct secret *key, struct fault *why);

/* Makes the next bytes of the split form of `key`, not more than its size in all. */
enum rc stripes_split(struct stripes *s, const struct secret *key, uint8_t *bytes, size_t len,
                      struct fault *why);

void stripes_clear(struct stripes *s);

#endif
