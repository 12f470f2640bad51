/* Segments, digests and tokens. */
#include <string.h>

#include "codec/base64.h"
#include "crypto/cipher.h"
#include "vault/header/metadata.h"

static enum luks2_role role_of(const char *flag)
{
    if (strcmp(flag, "in-reencryption") == 0)
        return LUKS2_HOT;
    if (strcmp(flag, "backup-previous") == 0)
        return LUKS2_PREVIOUS;
    if (strcmp(flag, "backup-final") == 0)
        return LUKS2_FINAL;
    if (strcmp(flag, "backup-moved-segment") == 0)
        return LUKS2_MOVED;
    return strncmp(flag, "backup-", 7) == 0 ? LUKS2_BACKUP : LUKS2_DATA;
}

/* "backup-previous" and its like, of a reencryption that was begun. */
static bool read_flags(struct luks2_segment *segment, const struct json *flags)
{
    const char *none;

    if (flags && !json_is_array(flags))
        return false;
    for (size_t i = 0; i < json_count(flags); i++) {
        const char *flag = json_string(json_at(flags, i, &none));

        if (!flag)
            return false;
        if (strncmp(flag, "backup-", 7) == 0)
            segment->backup = true;
        if (segment->role == LUKS2_DATA)
            segment->role = role_of(flag);
    }
    return true;
}

/* Whether the place lies on the data device is for luks2_extent_find to say. */
static bool read_size(struct luks2_segment *segment, const struct json *json)
{
    const char *size = json_string(json_get(json, "size"));

    segment->dynamic = size && strcmp(size, "dynamic") == 0;
    return segment->dynamic ||
           (json_decimal(json_get(json, "size"), UINT64_MAX, &segment->size) &&
            segment->size > 0);
}

static bool is_none(const struct json *json)
{
    const char *word = json_string(json);

    return word && strcmp(word, "none") == 0;
}

static bool read_integrity(struct luks2_segment *segment, const struct json *integrity)
{
    if (!integrity)
        return true;
    segment->integrity = json_string(json_get(integrity, "type"));
    segment->secret_journal = !is_none(json_get(integrity, "journal_encryption")) ||
                              !is_none(json_get(integrity, "journal_integrity"));
    return segment->integrity;
}

static enum rc read_crypt(struct luks2_segment *segment, const struct json *json,
                          struct fault *why)
{
    uint64_t size;

    segment->encryption = json_string(json_get(json, "encryption"));
    if (!segment->encryption || !*segment->encryption)
        return fail(why, RC_FORMAT, "no encryption");
    if (!json_decimal(json_get(json, "iv_tweak"), UINT64_MAX, &segment->iv_tweak))
        return fail(why, RC_FORMAT, "bad iv_tweak");
    if (!json_number(json_get(json, "sector_size"), CIPHER_SECTOR_MAX, &size) ||
        size < CIPHER_SECTOR || (size & (size - 1)) != 0)
        return fail(why, RC_FORMAT, "bad sector_size");
    segment->sector_size = (uint32_t)size;
    if (segment->size % size != 0 || segment->offset % CIPHER_SECTOR != 0)
        return fail(why, RC_FORMAT, "its place is not one of whole sectors");
    if (!read_integrity(segment, json_get(json, "integrity")))
        return fail(why, RC_FORMAT, "bad integrity");
    return RC_OK;
}

enum rc metadata_segment(struct luks2_segment *segment, const struct json *json,
                         struct fault *why)
{
    segment->type = json_string(json_get(json, "type"));
    if (!segment->type)
        return fail(why, RC_FORMAT, "no type");
    if (!read_flags(segment, json_get(json, "flags")))
        return fail(why, RC_FORMAT, "bad flags");
    if (!json_decimal(json_get(json, "offset"), UINT64_MAX, &segment->offset) ||
        !read_size(segment, json))
        return fail(why, RC_FORMAT, "bad offset or size");
    return strcmp(segment->type, "crypt") == 0 ? read_crypt(segment, json, why) : RC_OK;
}

static enum rc read_pbkdf2(struct luks2_digest *digest, const struct json *json,
                           struct fault *why)
{
    const char *hash = json_string(json_get(json, "hash"));
    const char *salt = json_string(json_get(json, "salt"));
    const char *value = json_string(json_get(json, "digest"));
    uint64_t iterations;

    if (!hash || !salt || !value ||
        !json_number(json_get(json, "iterations"), UINT32_MAX, &iterations) ||
        iterations == 0 ||
        base64_decode(span_text(salt), digest->salt, sizeof digest->salt, &digest->salt_len) !=
            RC_OK ||
        base64_decode(span_text(value), digest->digest, sizeof digest->digest,
                      &digest->digest_len) != RC_OK)
        return fail(why, RC_FORMAT, "bad hash, salt, iterations or value");
    digest->iterations = (uint32_t)iterations;
    digest->hash = hash_find(hash);
    return RC_OK;
}

enum rc metadata_digest(struct luks2_digest *digest, const struct json *json,
                        struct fault *why)
{
    digest->type = json_string(json_get(json, "type"));
    if (!digest->type ||
        !metadata_numbers(json_get(json, "keyslots"), LUKS2_KEYSLOTS_MAX, &digest->keyslots) ||
        !metadata_numbers(json_get(json, "segments"), LUKS2_SEGMENTS_MAX, &digest->segments))
        return fail(why, RC_FORMAT, "bad type, keyslots or segments");
    return strcmp(digest->type, "pbkdf2") == 0 ? read_pbkdf2(digest, json, why) : RC_OK;
}

enum rc metadata_token(struct luks2_token *token, const struct json *json, struct fault *why)
{
    token->type = json_string(json_get(json, "type"));
    if (!token->type ||
        !metadata_numbers(json_get(json, "keyslots"), LUKS2_KEYSLOTS_MAX, &token->keyslots))
        return fail(why, RC_FORMAT, "bad type or keyslots");
    return RC_OK;
}
