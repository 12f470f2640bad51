/* A digest says whether a key is the right one, and which keyslots and segments are its own. */
#ifndef VAULT_HEADER_DIGEST_H
#define VAULT_HEADER_DIGEST_H

#include "base/secret.h"
#include "vault/header/luks2.h"

struct json;

enum {
    DIGEST_NONE = -1,
    DIGEST_ITERATIONS = 100000, /* the key is random: this guards nothing, and costs 50 ms */
};

/* The number of the digest that a keyslot or a segment is bound to, or DIGEST_NONE. */
int digest_of_keyslot(const struct luks2 *header, unsigned keyslot);
int digest_of_segment(const struct luks2 *header, unsigned segment);

/*
 * The length of the key is not in the digest: the header gives it, one for all slots of a digest.
 *
 * RC_DENIED       it is another key
 * RC_UNSUPPORTED  a type or a hash that we do not have
 */
enum rc digest_verify(const struct luks2_digest *digest, const struct secret *key,
                      struct fault *why);

/*
 * Puts a digest of `key` among the header's "digests", in the place of one of that number, with a
 * new salt; no keyslot and no segment is bound to it yet.
 */
enum rc digest_put(struct json *digests, unsigned number, const struct secret *key,
                   uint32_t iterations, struct fault *why);

/*
 * A digest of another key, in the header in memory, under a number of its own, and as costly as that
 * of a new header.
 * RC_LIMIT  all digests are taken
 */
enum rc digest_add(struct luks2 *header, const struct secret *key, int *number,
                   struct fault *why);

/* In memory: the segment is encrypted with the key of this digest, and of no other. */
enum rc digest_bind_segment(struct luks2 *header, int digest, unsigned segment,
                            struct fault *why);

#endif
