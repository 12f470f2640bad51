#include "keep/format/luks1/luks1_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "crypto/cipher.h"
#include "crypto/random.h"
#include "keep/format/luks1/luks1_header.h"
#include "vault/header/digest.h"
#include "vault/header/keyslot.h"
#include "vault/header/luks2_format.h"
#include "vault/header/stripes.h"

enum {
    SECTOR = 512,
    AREA_ALIGN = 4096,
    DATA_ALIGN = 1 << 20,
};

static const char hash_name[] = "sha256";

static uint64_t area_step(size_t key_size)
{
    return (stripes_size(key_size) + AREA_ALIGN - 1) / AREA_ALIGN * AREA_ALIGN;
}

uint64_t luks1_header_room(size_t key_size)
{
    uint64_t end = AREA_ALIGN + LUKS1_KEYSLOTS * area_step(key_size);

    return (end + DATA_ALIGN - 1) / DATA_ALIGN * DATA_ALIGN;
}

/* The header has two places of 32 bytes for it: "aes", "xts-plain64". */
static enum rc fill_encryption(struct luks1_header *h, const char *encryption, size_t key_size,
                               struct fault *why)
{
    size_t name = strcspn(encryption, "-");

    if (!luks2_takes_key(encryption, NULL, key_size))
        return fail(why, RC_UNSUPPORTED,
                    "the cipher \"%s\" with a key of %zu bits is not known", encryption,
                    key_size * 8);
    if (!encryption[name] || name >= LUKS1_TEXT_SIZE ||
        strlen(encryption + name + 1) >= LUKS1_TEXT_SIZE || strchr(encryption, ','))
        return fail(why, RC_UNSUPPORTED, "a LUKS1 header cannot name the cipher \"%s\"",
                    encryption);
    snprintf(h->encryption, sizeof h->encryption, "%s", encryption);
    snprintf(h->hash, sizeof h->hash, "%s", hash_name);
    return RC_OK;
}

static enum rc fill_digest(struct luks1_header *h, const struct secret *key, struct fault *why)
{
    struct luks2_digest *digest = &h->as_luks2.digests[0];
    struct kdf_params params = {.kdf = &kdf_pbkdf2,
                                .hash = hash_find(hash_name),
                                .passes = DIGEST_ITERATIONS,
                                .salt_len = LUKS1_SALT_SIZE};
    SCOPED(secret) made = {0};
    enum rc rc;

    if ((rc = random_bytes(params.salt, LUKS1_SALT_SIZE, why)) ||
        (rc = secret_alloc(&made, LUKS1_DIGEST_SIZE, why)) ||
        (rc = kdf_derive(&params, key, &made, why)))
        return rc;
    *digest = (struct luks2_digest){.present = true,
                                    .type = "pbkdf2",
                                    .hash = params.hash,
                                    .iterations = DIGEST_ITERATIONS,
                                    .salt_len = LUKS1_SALT_SIZE,
                                    .digest_len = LUKS1_DIGEST_SIZE,
                                    .segments = 1};
    memcpy(digest->salt, params.salt, LUKS1_SALT_SIZE);
    memcpy(digest->digest, made.at, LUKS1_DIGEST_SIZE);
    return RC_OK;
}

static void fill_places(struct luks1_header *h, bool detached, size_t key_size)
{
    uint64_t size = (stripes_size(key_size) + SECTOR - 1) / SECTOR * SECTOR;

    h->as_luks2.keyslots_size = LUKS1_HEADER_SIZE;
    h->as_luks2.segments[0] = (struct luks2_segment){
        .present = true,
        .type = "crypt",
        .offset = detached ? 0 : luks1_header_room(key_size),
        .dynamic = true,
        .encryption = h->encryption,
        .sector_size = SECTOR,
    };
    for (unsigned i = 0; i < LUKS1_KEYSLOTS; i++)
        h->as_luks2.keyslots[i] = (struct luks2_keyslot){
            .type = "luks1",
            .priority = LUKS2_NORMAL,
            .key_size = (uint32_t)key_size,
            .af_hash = h->hash,
            .area_offset = AREA_ALIGN + i * area_step(key_size),
            .area_size = size,
            .area_encryption = h->encryption,
            .area_key_size = (uint32_t)key_size,
            .kdf_type = "pbkdf2",
            .kdf = {.kdf = &kdf_pbkdf2, .hash = hash_find(h->hash)},
        };
}

enum rc luks1_format(struct luks2 **out, const struct luks1_format *format,
                     const struct secret *volume_key, struct fault *why)
{
    struct luks1_header *h = calloc(1, sizeof *h);
    enum rc rc;

    if (!h)
        return fail(why, RC_MEMORY, "no memory for a new header");
    if ((rc = fill_encryption(h, format->encryption, volume_key->len, why)) ||
        (rc = fill_digest(h, volume_key, why)) ||
        (!format->uuid && (rc = luks2_format_uuid(h->as_luks2.uuid, why)))) {
        luks2_close(&h->as_luks2);
        return rc;
    }
    if (format->uuid)
        snprintf(h->as_luks2.uuid, sizeof h->as_luks2.uuid, "%s", format->uuid);
    fill_places(h, format->detached, volume_key->len);
    *out = &h->as_luks2;
    return RC_OK;
}

enum rc luks1_format_wipe(const struct luks2 *header, struct device *device, struct fault *why)
{
    uint64_t end = luks1_header_room(header->keyslots[0].key_size);
    uint8_t zeros[AREA_ALIGN] = {0};
    enum rc rc;

    if (end > device->size)
        return fail(why, RC_TRUNCATED, "the device is smaller than the header");
    if ((rc = device_write(device, 0, zeros, sizeof zeros, why)))
        return rc;
    return keyslot_wipe(device, AREA_ALIGN, end - AREA_ALIGN, why);
}

/* A slot that nobody uses; LUKS1_KEYSLOTS for none. */
static unsigned find_free(const struct luks2 *header)
{
    unsigned number = 0;

    while (number < LUKS1_KEYSLOTS && header->keyslots[number].present)
        number++;
    return number;
}

/* The key area at the place of a slot; the slot itself is changed by the caller. */
static enum rc write_area(const struct luks2 *header, struct device *device,
                          const struct luks2_keyslot *place, const struct secret *volume_key,
                          const struct secret *phrase, const struct kdf_params *params,
                          struct luks2_keyslot *slot, struct fault *why)
{
    enum rc rc;

    *slot = *place;
    slot->kdf.passes = params->passes;
    slot->kdf.salt_len = LUKS1_SALT_SIZE;
    if (params->kdf->takes_memory)
        return fail(why, RC_USAGE, "a LUKS1 header has no %s: use --pbkdf pbkdf2",
                    params->kdf->name);
    if ((rc = digest_verify(&header->digests[0], volume_key, why)) ||
        (rc = random_bytes(slot->kdf.salt, LUKS1_SALT_SIZE, why)))
        return rc;
    return keyslot_write(slot, device, phrase, volume_key, why);
}

static void enter(struct luks2 *header, unsigned number, const struct luks2_keyslot *slot)
{
    uint64_t end = slot->area_offset + slot->area_size;

    header->keyslots[number] = *slot;
    header->keyslots[number].present = true;
    header->digests[0].keyslots |= UINT32_C(1) << number;
    if (end > header->keyslots_size)
        header->keyslots_size = end;
}

enum rc luks1_keyslot_add(struct luks2 *header, struct device *device, int number,
                          const struct secret *volume_key, const struct secret *phrase,
                          const struct kdf_params *params, unsigned *used, struct fault *why)
{
    unsigned chosen = number == KEYSLOT_ANY ? find_free(header) : (unsigned)number;
    struct luks2_keyslot slot;
    enum rc rc;

    if (chosen >= LUKS1_KEYSLOTS)
        return fail(why, RC_LIMIT,
                    number == KEYSLOT_ANY ? "all 8 keyslots of this LUKS1 header are in use"
                                          : "keyslots of LUKS1 are numbered 0 to 7");
    if (header->keyslots[chosen].present)
        return fail(why, RC_BUSY, "keyslot %u is in use", chosen);
    if ((rc = write_area(header, device, &header->keyslots[chosen], volume_key, phrase, params,
                         &slot, why)) != RC_OK)
        return rc;
    enter(header, chosen, &slot);
    if (used)
        *used = chosen;
    return RC_OK;
}

/* Slots 0 to 5 stand in the first sector of the header whole: two of them change at once. */
static bool change_at_once(unsigned a, unsigned b)
{
    enum { FIRST_SECTOR = 6 };

    return a < FIRST_SECTOR && b < FIRST_SECTOR;
}

/* The new area is that of a free slot, which gets the old one for it, or has the key from now on. */
enum rc luks1_keyslot_replace(struct luks2 *header, struct device *device, unsigned *number,
                              const struct secret *volume_key, const struct secret *phrase,
                              const struct kdf_params *params, struct fault *why)
{
    unsigned spare = find_free(header);
    struct luks2_keyslot slot;
    enum rc rc;

    if (*number >= LUKS1_KEYSLOTS || !header->keyslots[*number].present)
        return fail(why, RC_NOT_FOUND, "there is no keyslot %u", *number);
    if (spare == LUKS1_KEYSLOTS)
        return fail(why, RC_LIMIT,
                    "all 8 keyslots of this LUKS1 header are in use, and a change "
                    "needs a free one; remove one first");
    if ((rc = write_area(header, device, &header->keyslots[spare], volume_key, phrase, params,
                         &slot, why)) != RC_OK)
        return rc;
    if (change_at_once(*number, spare)) {
        header->keyslots[spare].area_offset = header->keyslots[*number].area_offset;
        enter(header, *number, &slot);
        return RC_OK;
    }
    enter(header, spare, &slot);
    rc = luks1_keyslot_remove(header, *number, why);
    *number = spare;
    return rc;
}

enum rc luks1_keyslot_remove(struct luks2 *header, unsigned number, struct fault *why)
{
    struct luks2_keyslot *slot = &header->keyslots[number];

    if (number >= LUKS1_KEYSLOTS || !slot->present)
        return fail(why, RC_NOT_FOUND, "there is no keyslot %u", number);
    slot->present = false;
    slot->kdf.passes = 0;
    memset(slot->kdf.salt, 0, sizeof slot->kdf.salt);
    header->digests[0].keyslots &= ~(UINT32_C(1) << number);
    return RC_OK;
}

static enum rc write_through(struct device *device, const uint8_t bytes[LUKS1_WRITTEN],
                             struct fault *why)
{
    enum rc rc = device_write(device, 0, bytes, LUKS1_WRITTEN, why);

    return rc == RC_OK ? device_flush(device, why) : rc;
}

/* `bytes` are the header that is there. */
static enum rc write_new_slots(const struct luks2 *header, struct device *device,
                               uint8_t bytes[LUKS1_WRITTEN], struct fault *why)
{
    struct luks1_header old;
    bool found = false;

    if (luks1_header_parse(&old, bytes, NULL) != RC_OK ||
        strcmp(old.as_luks2.uuid, header->uuid) != 0)
        return RC_OK;
    for (unsigned i = 0; i < LUKS1_KEYSLOTS; i++)
        if (header->keyslots[i].present && !old.as_luks2.keyslots[i].present) {
            old.as_luks2.keyslots[i] = header->keyslots[i];
            found = true;
        }
    if (!found)
        return RC_OK;
    luks1_header_put(&old, bytes);
    return write_through(device, bytes, why);
}

static bool changes_both(const uint8_t *old, const uint8_t *bytes)
{
    return memcmp(old, bytes, SECTOR) != 0 &&
           memcmp(old + SECTOR, bytes + SECTOR, LUKS1_WRITTEN - SECTOR) != 0;
}

enum rc luks1_header_write(const struct luks2 *header, struct device *device,
                           struct fault *why)
{
    const struct luks1_header *h = (const struct luks1_header *)(const void *)header;
    uint8_t old[LUKS1_WRITTEN], bytes[LUKS1_WRITTEN];
    enum rc rc;

    if ((rc = device_read(device, 0, old, sizeof old, why)))
        return rc;
    memcpy(bytes, old, sizeof bytes);
    luks1_header_put(h, bytes);
    if ((changes_both(old, bytes) && (rc = write_new_slots(header, device, old, why))) ||
        (rc = write_through(device, bytes, why)))
        return rc;
    device_forget(device, 0, sizeof bytes);
    if ((rc = device_read(device, 0, old, sizeof old, why)))
        return rc;
    return memcmp(bytes, old, sizeof bytes) == 0
               ? RC_OK
               : fail(why, RC_IO, "the header does not read back as it was written");
}
