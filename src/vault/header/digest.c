#include "vault/header/digest.h"

#include <stdio.h>
#include <string.h>

#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/equal.h"
#include "crypto/random.h"
#include "vault/header/metadata.h"

enum {
    DIGEST_LEN_MIN = 20, /* what a header converted from LUKS1 has */
    SALT_SIZE = 32,
};

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

static bool put_base64(struct json *into, const char *name, const uint8_t *bytes, size_t len)
{
    struct text text = {0};
    bool good;

    base64_encode(span_of(bytes, len), &text);
    good = text_ok(&text) && json_put_string(into, name, text.at);
    text_clear(&text);
    return good;
}

static bool put_members(struct json *digest, const struct kdf_params *params,
                        const struct secret *value)
{
    return json_put_string(digest, "type", "pbkdf2") &&
           json_put(digest, "keyslots", json_new_array()) &&
           json_put(digest, "segments", json_new_array()) &&
           json_put_string(digest, "hash", params->hash->name) &&
           json_put_number(digest, "iterations", params->passes) &&
           put_base64(digest, "salt", params->salt, params->salt_len) &&
           put_base64(digest, "digest", value->at, value->len);
}

enum rc digest_put(struct json *digests, unsigned number, const struct secret *key,
                   uint32_t iterations, struct fault *why)
{
    struct kdf_params params = {.kdf = &kdf_pbkdf2,
                                .hash = hash_find("sha256"),
                                .passes = iterations,
                                .salt_len = SALT_SIZE};
    struct json *digest = json_new_object();
    SCOPED(secret) value = {0};
    char name[12];
    enum rc rc;

    snprintf(name, sizeof name, "%u", number);
    if (!json_put(digests, name, digest))
        return fail(why, RC_MEMORY, "no memory for a digest");
    if ((rc = random_bytes(params.salt, SALT_SIZE, why)) ||
        (rc = secret_alloc(&value, params.hash->size, why)) ||
        (rc = kdf_derive(&params, key, &value, why)))
        return rc;
    return put_members(digest, &params, &value)
               ? RC_OK
               : fail(why, RC_MEMORY, "no memory for a digest");
}

enum rc digest_add(struct luks2 *header, const struct secret *key, int *number,
                   struct fault *why)
{
    enum rc rc;

    *number = 0;
    while (*number < LUKS2_DIGESTS_MAX && header->digests[*number].present)
        ++*number;
    if (*number == LUKS2_DIGESTS_MAX)
        return fail(why, RC_LIMIT, "all %d digests of the header are taken",
                    LUKS2_DIGESTS_MAX);
    rc = digest_put(json_get(header->metadata, "digests"), (unsigned)*number, key,
                    DIGEST_ITERATIONS, why);
    return rc == RC_OK ? metadata_refresh(header, why) : rc;
}

static bool leave_out(struct json *digest, const char *segment)
{
    const struct json *old = json_get(digest, "segments");
    struct json *kept = json_new_array();
    const char *none;

    for (size_t i = 0; i < json_count(old); i++) {
        const char *name = json_string(json_at(old, i, &none));

        if (strcmp(name, segment) != 0 && !json_put_string(kept, NULL, name)) {
            json_close(kept);
            return false;
        }
    }
    return json_put(digest, "segments", kept);
}

enum rc digest_bind_segment(struct luks2 *header, int digest, unsigned segment,
                            struct fault *why)
{
    struct json *digests = json_get(header->metadata, "digests");
    char number[12], name[12];
    const char *none;
    bool good = true;

    snprintf(number, sizeof number, "%d", digest);
    snprintf(name, sizeof name, "%u", segment);
    for (size_t i = 0; i < json_count(digests); i++)
        good = good && leave_out(json_at(digests, i, &none), name);
    if (!good || !json_put_string(json_get(json_get(digests, number), "segments"), NULL, name))
        return fail(why, RC_MEMORY, "no memory to change a header");
    return metadata_refresh(header, why);
}
