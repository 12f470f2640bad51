#include <string.h>

#include "codec/base64.h"
#include "crypto/cipher.h"
#include "vault/header/keyslot.h"
#include "vault/header/metadata.h"

static bool get_number(const struct json *object, const char *name, uint32_t *number)
{
    uint64_t value;

    if (!json_number(json_get(object, name), UINT32_MAX, &value))
        return false;
    *number = (uint32_t)value;
    return true;
}

static bool get_string(const struct json *object, const char *name, const char **string)
{
    *string = json_string(json_get(object, name));
    return *string && **string;
}

static enum rc read_area(struct luks2_keyslot *slot, const struct json *area,
                         struct fault *why)
{
    if (!json_is_object(area) || !json_string(json_get(area, "type")) ||
        !json_decimal(json_get(area, "offset"), UINT64_MAX, &slot->area_offset) ||
        !json_decimal(json_get(area, "size"), UINT64_MAX, &slot->area_size) ||
        slot->area_size == 0)
        return fail(why, RC_FORMAT, "bad area");
    return RC_OK;
}

static enum rc read_area_cipher(struct luks2_keyslot *slot, const struct json *area,
                                struct fault *why)
{
    uint64_t split = (uint64_t)slot->key_size * LUKS2_STRIPES;

    if (strcmp(json_string(json_get(area, "type")), "raw") != 0 ||
        !get_string(area, "encryption", &slot->area_encryption) ||
        !get_number(area, "key_size", &slot->area_key_size) || slot->area_key_size == 0 ||
        slot->area_key_size > LUKS2_VOLUME_KEY_MAX)
        return fail(why, RC_FORMAT, "bad area encryption");
    if ((split + CIPHER_SECTOR - 1) / CIPHER_SECTOR * CIPHER_SECTOR > slot->area_size)
        return fail(why, RC_FORMAT, "its area is too small for its key");
    return RC_OK;
}

static enum rc read_af(struct luks2_keyslot *slot, const struct json *af, struct fault *why)
{
    const char *type;
    uint32_t stripes;

    if (!get_string(af, "type", &type) || !get_string(af, "hash", &slot->af_hash) ||
        !get_number(af, "stripes", &stripes))
        return fail(why, RC_FORMAT, "bad anti-forensic splitter");
    if (strcmp(type, "luks1") != 0 || stripes != LUKS2_STRIPES)
        return fail(why, RC_FORMAT, "an anti-forensic splitter that is not known");
    return RC_OK;
}

/* The members of our own KDFs; those of others are left alone. */
static enum rc read_kdf_costs(struct luks2_keyslot *slot, const struct json *json,
                              struct fault *why)
{
    struct kdf_params *kdf = &slot->kdf;
    const char *hash;
    bool good;

    if (kdf->kdf->takes_memory) {
        good = get_number(json, "time", &kdf->passes) &&
               get_number(json, "memory", &kdf->memory_kib) &&
               get_number(json, "cpus", &kdf->lanes);
    } else {
        good = get_string(json, "hash", &hash) && get_number(json, "iterations", &kdf->passes);
        kdf->hash = good ? hash_find(hash) : NULL;
        if (good && !kdf->hash)
            slot->unsupported = "its KDF uses a hash that is not known";
    }
    return good ? RC_OK : fail(why, RC_FORMAT, "bad costs of its KDF");
}

static enum rc read_kdf(struct luks2_keyslot *slot, const struct json *json, struct fault *why)
{
    const char *salt;

    if (!get_string(json, "type", &slot->kdf_type) || !get_string(json, "salt", &salt) ||
        base64_decode(span_text(salt), slot->kdf.salt, sizeof slot->kdf.salt,
                      &slot->kdf.salt_len) != RC_OK)
        return fail(why, RC_FORMAT, "bad KDF");
    slot->kdf.kdf = kdf_find(slot->kdf_type);
    if (slot->kdf.kdf)
        return read_kdf_costs(slot, json, why);
    slot->unsupported = "its KDF is not known";
    return RC_OK;
}

/* What is well formed and not ours does not spoil the header; the slot just cannot be opened.
 */
static void find_unsupported(struct luks2_keyslot *slot)
{
    const struct cipher_kind *cipher = cipher_find(slot->area_encryption);

    if (slot->unsupported)
        return;
    if (!hash_find(slot->af_hash))
        slot->unsupported = "its splitter uses a hash that is not known";
    else if (!cipher || !cipher_takes_key(cipher, slot->area_key_size))
        slot->unsupported = "its area is encrypted with a cipher that is not known";
}

enum rc metadata_keyslot(struct luks2_keyslot *slot, const struct json *json,
                         struct fault *why)
{
    struct json *area = json_get(json, "area"), *priority = json_get(json, "priority");
    uint64_t number = LUKS2_NORMAL;
    enum rc rc;

    if (!get_string(json, "type", &slot->type) ||
        !get_number(json, "key_size", &slot->key_size) || slot->key_size == 0 ||
        slot->key_size > LUKS2_VOLUME_KEY_MAX)
        return fail(why, RC_FORMAT, "bad type or key size");
    if (priority && !json_number(priority, LUKS2_PREFER, &number))
        return fail(why, RC_FORMAT, "bad priority");
    slot->priority = (enum luks2_priority)number;
    if ((rc = read_area(slot, area, why)) != RC_OK)
        return rc;
    if (strcmp(slot->type, "luks2") != 0) {
        slot->unsupported = "its type is not known";
        return RC_OK;
    }
    if ((rc = read_area_cipher(slot, area, why)) ||
        (rc = read_af(slot, json_get(json, "af"), why)) ||
        (rc = read_kdf(slot, json_get(json, "kdf"), why)))
        return rc;
    find_unsupported(slot);
    return RC_OK;
}
