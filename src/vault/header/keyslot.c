#include "vault/header/keyslot.h"

#include <stdio.h>
#include <string.h>

#include "codec/base64.h"
#include "crypto/cipher.h"
#include "crypto/random.h"
#include "vault/header/digest.h"
#include "vault/header/metadata.h"
#include "vault/header/stripes.h"

enum { WINDOW = 4096, SALT_SIZE = 32 };

/* An area while it is read or written: its cipher, and the splitter. */
struct area {
    const struct luks2_keyslot *slot;
    struct device *device;
    struct cipher *cipher;
    struct secret window; /* decrypted bytes of the split key */
    struct stripes stripes;
};

static void area_clear(struct area *a)
{
    cipher_close(a->cipher);
    secret_clear(&a->window);
    stripes_clear(&a->stripes);
}

/* Passphrase -> area key -> cipher. */
static enum rc area_init(struct area *a, const struct luks2_keyslot *slot,
                         struct device *device, const struct secret *phrase, struct fault *why)
{
    SCOPED(secret) area_key = {0};
    enum rc rc;

    *a = (struct area){.slot = slot, .device = device};
    if ((rc = kdf_check(&slot->kdf, why)) ||
        (rc = secret_alloc(&area_key, slot->area_key_size, why)) ||
        (rc = kdf_derive(&slot->kdf, phrase, &area_key, why)) ||
        (rc = cipher_open(&a->cipher, slot->area_encryption, &area_key, CIPHER_SECTOR, why)) ||
        (rc = secret_alloc(&a->window, WINDOW, why)))
        return rc;
    return stripes_init(&a->stripes, hash_find(slot->af_hash), slot->key_size, why);
}

/* One window of the area at `at`: `whole` bytes of sectors, of which `len` are part of the
 * key. */
typedef enum rc area_step(struct area *a, uint64_t at, size_t whole, size_t len,
                          const struct secret *key, struct fault *why);

static enum rc read_step(struct area *a, uint64_t at, size_t whole, size_t len,
                         const struct secret *key, struct fault *why)
{
    uint8_t stored[WINDOW];
    enum rc rc;

    (void)key;
    if ((rc = device_read(a->device, a->slot->area_offset + at, stored, whole, why)) ||
        (rc = cipher_decrypt(a->cipher, at / CIPHER_SECTOR, stored, a->window.at, whole, why)))
        return rc;
    return stripes_merge(&a->stripes, a->window.at, len, why);
}

static enum rc write_step(struct area *a, uint64_t at, size_t whole, size_t len,
                          const struct secret *key, struct fault *why)
{
    uint8_t stored[WINDOW];
    enum rc rc;

    memset(a->window.at + len, 0, whole - len);
    if ((rc = stripes_split(&a->stripes, key, a->window.at, len, why)) ||
        (rc = cipher_encrypt(a->cipher, at / CIPHER_SECTOR, a->window.at, stored, whole, why)))
        return rc;
    return device_write(a->device, a->slot->area_offset + at, stored, whole, why);
}

static enum rc area_walk(struct area *a, area_step *step, const struct secret *key,
                         struct fault *why)
{
    uint64_t size = stripes_size(a->slot->key_size);

    for (uint64_t at = 0; at < size; at += WINDOW) {
        size_t len = size - at < WINDOW ? (size_t)(size - at) : WINDOW;
        size_t whole = (len + CIPHER_SECTOR - 1) / CIPHER_SECTOR * CIPHER_SECTOR;
        enum rc rc = step(a, at, whole, len, key, why);

        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static enum rc slot_open(const struct luks2_keyslot *slot, struct device *device,
                         const struct secret *phrase, struct secret *key, struct fault *why)
{
    SCOPED(area) area = {0};
    enum rc rc;

    if ((rc = area_init(&area, slot, device, phrase, why)) ||
        (rc = area_walk(&area, read_step, NULL, why)))
        return rc;
    return stripes_key(&area.stripes, key, why);
}

static enum rc slot_write(const struct luks2_keyslot *slot, struct device *device,
                          const struct secret *phrase, const struct secret *key,
                          struct fault *why)
{
    SCOPED(area) area = {0};
    enum rc rc;

    if ((rc = area_init(&area, slot, device, phrase, why)) ||
        (rc = area_walk(&area, write_step, key, why)))
        return rc;
    if ((rc = device_flush(device, why)) == RC_OK)
        device_forget(device, slot->area_offset, slot->area_size);
    return rc;
}

/* A slot that opens to what was put in, as the device gives it back. */
enum rc keyslot_write(const struct luks2_keyslot *slot, struct device *device,
                      const struct secret *phrase, const struct secret *volume_key,
                      struct fault *why)
{
    SCOPED(secret) proof = {0};
    enum rc rc;

    if ((rc = slot_write(slot, device, phrase, volume_key, why)) ||
        (rc = slot_open(slot, device, phrase, &proof, why)))
        return rc;
    if (!secret_equal(&proof, volume_key))
        return fail(why, RC_IO, "a key slot does not read back as it was written");
    return RC_OK;
}

enum rc keyslot_open(const struct luks2 *header, struct device *device, unsigned number,
                     const struct secret *phrase, struct secret *key, struct fault *why)
{
    const struct luks2_keyslot *slot;
    enum rc rc;

    if (number >= LUKS2_KEYSLOTS_MAX || !header->keyslots[number].present)
        return fail(why, RC_NOT_FOUND, "there is no keyslot %u", number);
    slot = &header->keyslots[number];
    if (slot->unsupported)
        return fail(why, RC_UNSUPPORTED, "keyslot %u: %s", number, slot->unsupported);
    if ((rc = slot_open(slot, device, phrase, key, why)) != RC_OK && why)
        return fault_at(why, "keyslot %u", number);
    return rc;
}

/* The first place in the keyslots area where `size` bytes are free. */
static bool find_room(const struct luks2 *header, uint64_t size, uint64_t *offset)
{
    uint64_t at = 2 * (uint64_t)header->copy_size, end = luks2_total_size(header);
    bool moved = true;

    while (moved) {
        moved = false;
        for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++) {
            const struct luks2_keyslot *slot = &header->keyslots[i];
            uint64_t behind = slot->area_offset + slot->area_size;

            if (slot->present && slot->area_offset < at + size && at < behind) {
                at = (behind + LUKS2_AREA_ALIGN - 1) / LUKS2_AREA_ALIGN * LUKS2_AREA_ALIGN;
                moved = true;
            }
        }
    }
    *offset = at;
    return at <= end && size <= end - at;
}

/* Free bytes from `at` to the next area, or to the end of them all; 0 inside one. */
static uint64_t room_at(const struct luks2 *header, uint64_t at)
{
    uint64_t end = luks2_total_size(header);

    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++) {
        const struct luks2_keyslot *slot = &header->keyslots[i];

        if (slot->present && slot->area_offset + slot->area_size > at &&
            slot->area_offset < end)
            end = slot->area_offset > at ? slot->area_offset : at;
    }
    return end > at ? (end - at) / LUKS2_AREA_ALIGN * LUKS2_AREA_ALIGN : 0;
}

enum rc keyslot_wipe_free(const struct luks2 *header, struct device *device, struct fault *why)
{
    uint64_t end = luks2_total_size(header);

    for (uint64_t at = 2 * (uint64_t)header->copy_size; at < end;) {
        uint64_t room = room_at(header, at);
        enum rc rc = room > 0 ? keyslot_wipe(device, at, room, why) : RC_OK;

        if (rc != RC_OK)
            return rc;
        at += room > 0 ? room : LUKS2_AREA_ALIGN;
    }
    return RC_OK;
}

void keyslot_find_gap(const struct luks2 *header, uint64_t *offset, uint64_t *size)
{
    *offset = 2 * (uint64_t)header->copy_size;
    *size = room_at(header, *offset);
    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++) {
        const struct luks2_keyslot *slot = &header->keyslots[i];
        uint64_t at = slot->area_offset + slot->area_size + LUKS2_AREA_ALIGN - 1;
        uint64_t room;

        at -= at % LUKS2_AREA_ALIGN;
        if (slot->present && (room = room_at(header, at)) > *size) {
            *offset = at;
            *size = room;
        }
    }
}

static enum rc choose_number(const struct luks2 *header, int wanted, unsigned *number,
                             struct fault *why)
{
    if (wanted >= LUKS2_KEYSLOTS_MAX)
        return fail(why, RC_LIMIT, "keyslots are numbered 0 to %d", LUKS2_KEYSLOTS_MAX - 1);
    if (wanted >= 0 && header->keyslots[wanted].present)
        return fail(why, RC_BUSY, "keyslot %d is in use", wanted);
    *number = wanted >= 0 ? (unsigned)wanted : 0;
    while (*number < LUKS2_KEYSLOTS_MAX && header->keyslots[*number].present)
        ++*number;
    if (*number == LUKS2_KEYSLOTS_MAX)
        return fail(why, RC_LIMIT, "all %d keyslots are in use", LUKS2_KEYSLOTS_MAX);
    return RC_OK;
}

/* The key area is encrypted like the data, where that is a sector cipher under a name that
 * cryptsetup takes there. */
static enum rc plan_slot(const struct luks2 *header, const struct secret *key,
                         const struct kdf_params *params, struct luks2_keyslot *slot,
                         struct fault *why)
{
    const char *encryption = header->segments[0].encryption;
    const struct cipher_kind *cipher = encryption ? cipher_find(encryption) : NULL;
    uint64_t size = stripes_size(key->len);
    bool as_data =
        cipher && cipher_takes_key(cipher, key->len) && strncmp(encryption, "capi:", 5) != 0;

    *slot = (struct luks2_keyslot){
        .key_size = (uint32_t)key->len,
        .af_hash = "sha256",
        .area_size = (size + LUKS2_AREA_ALIGN - 1) / LUKS2_AREA_ALIGN * LUKS2_AREA_ALIGN,
        .area_encryption = as_data ? encryption : "aes-xts-plain64",
        .area_key_size = as_data ? (uint32_t)key->len : 64,
        .kdf_type = params->kdf->name,
        .kdf = *params,
    };
    if (!find_room(header, slot->area_size, &slot->area_offset))
        return fail(why, RC_LIMIT, "there is no room for another keyslot");
    slot->kdf.salt_len = SALT_SIZE;
    return random_bytes(slot->kdf.salt, SALT_SIZE, why);
}

static struct json *kdf_json(const struct kdf_params *kdf)
{
    struct json *json = json_new_object();
    struct text salt = {0};
    bool good;

    base64_encode(span_of(kdf->salt, kdf->salt_len), &salt);
    good = json && text_ok(&salt) && json_put_string(json, "type", kdf->kdf->name);
    if (kdf->kdf->takes_memory)
        good = good && json_put_number(json, "time", kdf->passes) &&
               json_put_number(json, "memory", kdf->memory_kib) &&
               json_put_number(json, "cpus", kdf->lanes);
    else
        good = good && json_put_string(json, "hash", kdf->hash->name) &&
               json_put_number(json, "iterations", kdf->passes);
    good = good && json_put_string(json, "salt", salt.at);
    text_clear(&salt);
    if (good)
        return json;
    json_close(json);
    return NULL;
}

static bool put_af(struct json *into, const struct luks2_keyslot *slot)
{
    struct json *af = json_new_object();

    return json_put(into, "af", af) && json_put_string(af, "type", "luks1") &&
           json_put_number(af, "stripes", LUKS2_STRIPES) &&
           json_put_string(af, "hash", slot->af_hash);
}

static bool put_area(struct json *into, const struct luks2_keyslot *slot)
{
    struct json *area = json_new_object();

    return json_put(into, "area", area) && json_put_string(area, "type", "raw") &&
           json_put_decimal(area, "offset", slot->area_offset) &&
           json_put_decimal(area, "size", slot->area_size) &&
           json_put_string(area, "encryption", slot->area_encryption) &&
           json_put_number(area, "key_size", slot->area_key_size);
}

static bool put_slot(struct luks2 *header, const char *name, const struct luks2_keyslot *slot)
{
    struct json *json = json_new_object();

    return json_put(json_get(header->metadata, "keyslots"), name, json) &&
           json_put_string(json, "type", "luks2") &&
           json_put_number(json, "key_size", slot->key_size) && put_af(json, slot) &&
           put_area(json, slot) && json_put(json, "kdf", kdf_json(&slot->kdf));
}

/* The digest's list of slots with this one added. */
static bool bind_slot(struct luks2 *header, int digest, const char *name)
{
    char of[12];

    snprintf(of, sizeof of, "%d", digest);
    return json_put_string(
        json_get(json_get(json_get(header->metadata, "digests"), of), "keyslots"), NULL, name);
}

enum rc keyslot_enter(struct luks2 *header, unsigned number, int digest,
                      const struct luks2_keyslot *slot, struct fault *why)
{
    char name[12];

    snprintf(name, sizeof name, "%u", number);
    if (!put_slot(header, name, slot) || !bind_slot(header, digest, name))
        return fail(why, RC_MEMORY, "no memory to add a keyslot");
    return metadata_refresh(header, why);
}

/* The digest of the data's key; of the first digest there is, where a header has no data. */
static enum rc prove_key(const struct luks2 *header, const struct secret *key, int *digest,
                         struct fault *why)
{
    enum rc rc;

    if ((*digest = digest_of_segment(header, 0)) == DIGEST_NONE)
        return fail(why, RC_FORMAT, "no digest belongs to the data");
    if ((rc = digest_verify(&header->digests[*digest], key, why)) == RC_DENIED)
        return fail(why, RC_DENIED, "this is not the volume key of the header");
    return rc;
}

static enum rc add_slot(struct luks2 *header, struct device *device, int number, int digest,
                        const struct secret *volume_key, const struct secret *phrase,
                        const struct kdf_params *params, unsigned *used, struct fault *why)
{
    struct luks2_keyslot slot;
    unsigned chosen;
    enum rc rc;

    if ((rc = choose_number(header, number, &chosen, why)) ||
        (rc = plan_slot(header, volume_key, params, &slot, why)) ||
        (rc = keyslot_write(&slot, device, phrase, volume_key, why)))
        return rc;
    if ((rc = keyslot_enter(header, chosen, digest, &slot, why)) == RC_OK && used)
        *used = chosen;
    return rc;
}

enum rc keyslot_add(struct luks2 *header, struct device *device, int number,
                    const struct secret *volume_key, const struct secret *phrase,
                    const struct kdf_params *params, unsigned *used, struct fault *why)
{
    int digest;
    enum rc rc = prove_key(header, volume_key, &digest, why);

    return rc == RC_OK ? add_slot(header, device, number, digest, volume_key, phrase, params,
                                  used, why)
                       : rc;
}

enum rc keyslot_add_to_digest(struct luks2 *header, struct device *device, int digest,
                              const struct secret *volume_key, const struct secret *phrase,
                              const struct kdf_params *params, unsigned *used,
                              struct fault *why)
{
    enum rc rc = digest_verify(&header->digests[digest], volume_key, why);

    return rc == RC_OK ? add_slot(header, device, KEYSLOT_ANY, digest, volume_key, phrase,
                                  params, used, why)
                       : rc;
}

static bool put_priority(struct luks2 *header, const char *name, enum luks2_priority priority)
{
    struct json *json = json_get(json_get(header->metadata, "keyslots"), name);

    return priority == LUKS2_NORMAL || json_put_number(json, "priority", priority);
}

enum rc keyslot_replace(struct luks2 *header, struct device *device, unsigned number,
                        const struct secret *volume_key, const struct secret *phrase,
                        const struct kdf_params *params, struct fault *why)
{
    enum luks2_priority priority;
    struct luks2_keyslot slot;
    char name[12];
    int digest;
    enum rc rc;

    if ((rc = prove_key(header, volume_key, &digest, why)))
        return rc;
    if (number >= LUKS2_KEYSLOTS_MAX || !(header->digests[digest].keyslots >> number & 1))
        return fail(why, RC_NOT_FOUND, "there is no keyslot %u that holds the key of the data",
                    number);
    if ((rc = plan_slot(header, volume_key, params, &slot, why)) ||
        (rc = keyslot_write(&slot, device, phrase, volume_key, why)))
        return rc;
    priority = header->keyslots[number].priority;
    snprintf(name, sizeof name, "%u", number);
    if (!put_slot(header, name, &slot) || !put_priority(header, name, priority))
        return fail(why, RC_MEMORY, "no memory to change a keyslot");
    return metadata_refresh(header, why);
}
