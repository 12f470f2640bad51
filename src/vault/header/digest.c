#include "vault/header/digest.h"

#include <string.h>

#include "crypto/equal.h"

enum { DIGEST_LEN_MIN = 20 }; /* what a header converted from LUKS1 has */

int digest_of_keyslot(const struct luks2 *header, unsigned keyslot)
{
    for (int i = 0; i < LUKS2_DIGESTS_MAX; i++) {
        if (header->digests[i].present && header->digests[i].keyslots >> keyslot & 1)
            return i;
    }
    return DIGEST_NONE;
}

int digest_of_segment(const struct luks2 *header, unsigned segment)
{
    for (int i = 0; i < LUKS2_DIGESTS_MAX; i++) {
        if (header->digests[i].present && header->digests[i].segments >> segment & 1)
            return i;
    }
    return DIGEST_NONE;
}

/* The digest as a KDF; a header of anybody's may not make it slow. */
static enum rc params_of(const struct luks2_digest *digest, struct kdf_params *params,
                         struct fault *why)
{
    if (strcmp(digest->type, "pbkdf2") != 0 || !digest->hash)
        return fail(why, RC_UNSUPPORTED, "a digest of a type or hash that is not known");
    *params = (struct kdf_params){.kdf = &kdf_pbkdf2,
                                  .hash = digest->hash,
                                  .passes = digest->iterations,
                                  .salt_len = digest->salt_len};
    memcpy(params->salt, digest->salt, digest->salt_len);
    return RC_OK;
}

enum rc digest_verify(const struct luks2_digest *digest, const struct secret *key,
                      struct fault *why)
{
    SCOPED(secret) made = {0};
    struct kdf_params params;
    enum rc rc = params_of(digest, &params, why);

    if (rc != RC_OK)
        return rc;
    if (digest->digest_len < DIGEST_LEN_MIN)
        return fail(why, RC_FORMAT, "a digest of %zu bytes is too short to tell keys apart",
                    digest->digest_len);
    if ((rc = secret_alloc(&made, digest->digest_len, why)) ||
        (rc = kdf_derive(&params, key, &made, why)))
        return rc;
    if (!equal_bytes(secret_span(&made), span_of(digest->digest, digest->digest_len)))
        return fail(why, RC_DENIED, "it is not the key");
    return RC_OK;
}
