#include "keep/format/luks1/luks1_header.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "crypto/cipher.h"

enum {
    SECTOR = 512,
    VERSION = 1,
    KEYSLOT_SIZE = 48,
    PAGE = 4096,
};

/* Where the fields are. */
enum {
    AT_VERSION = 6,
    AT_CIPHER_NAME = 8,
    AT_CIPHER_MODE = 40,
    AT_HASH = 72,
    AT_PAYLOAD = 104,
    AT_KEY_BYTES = 108,
    AT_DIGEST = 112,
    AT_DIGEST_SALT = 132,
    AT_DIGEST_ITERATIONS = 164,
    AT_UUID = 168,
    AT_KEYSLOTS = 208,
    /* in a keyslot */
    AT_ACTIVE = 0,
    AT_ITERATIONS = 4,
    AT_SALT = 8,
    AT_MATERIAL = 40,
    AT_STRIPES = 44,
};

/* States of a keyslot; the last two are those of headers before 2005. */
static const uint32_t enabled = 0x00ac71f3, disabled = 0x0000dead, enabled_old = 0x0000cafe,
                      disabled_old = 0;

static const uint8_t magic[6] = {'L', 'U', 'K', 'S', 0xba, 0xbe};

/* What cryptsetup-reencrypt put there while it rewrote the data. */
static const uint8_t magic_of_midst[6] = {'L', 'U', 'K', 'S', 0xde, 0xad};

static bool is_enabled(uint32_t state)
{
    return state == enabled || state == enabled_old;
}

static bool is_disabled(uint32_t state)
{
    return state == disabled || state == disabled_old;
}

/* A text with a NUL in its place. */
static enum rc take_text(char *text, const uint8_t *bytes, size_t size, const char *what,
                         struct fault *why)
{
    if (!memchr(bytes, '\0', size))
        return fail(why, RC_FORMAT, "LUKS1 header: the %s has no end", what);
    memcpy(text, bytes, size);
    return RC_OK;
}

static enum rc take_texts(struct luks1_header *h, const uint8_t *bytes, struct fault *why)
{
    char name[LUKS1_TEXT_SIZE], mode[LUKS1_TEXT_SIZE];
    enum rc rc;

    if ((rc = take_text(name, bytes + AT_CIPHER_NAME, sizeof name, "cipher's name", why)) ||
        (rc = take_text(mode, bytes + AT_CIPHER_MODE, sizeof mode, "cipher's mode", why)) ||
        (rc = take_text(h->hash, bytes + AT_HASH, sizeof h->hash, "hash's name", why)) ||
        (rc = take_text(h->as_luks2.uuid, bytes + AT_UUID, LUKS2_UUID_SIZE, "UUID", why)))
        return rc;
    snprintf(h->encryption, sizeof h->encryption, "%s-%s", name, mode);
    if (!hash_find(h->hash))
        return fail(why, RC_UNSUPPORTED, "the hash \"%s\" is not known here", h->hash);
    return RC_OK;
}

static void take_digest(struct luks1_header *h, const uint8_t *bytes)
{
    struct luks2_digest *digest = &h->as_luks2.digests[0];

    *digest = (struct luks2_digest){
        .present = true,
        .type = "pbkdf2",
        .hash = hash_find(h->hash),
        .iterations = be32_get(bytes + AT_DIGEST_ITERATIONS),
        .salt_len = LUKS1_SALT_SIZE,
        .digest_len = LUKS1_DIGEST_SIZE,
        .segments = 1,
    };
    memcpy(digest->salt, bytes + AT_DIGEST_SALT, LUKS1_SALT_SIZE);
    memcpy(digest->digest, bytes + AT_DIGEST, LUKS1_DIGEST_SIZE);
}

static void take_segment(struct luks1_header *h, const uint8_t *bytes)
{
    h->as_luks2.segments[0] = (struct luks2_segment){
        .present = true,
        .type = "crypt",
        .offset = (uint64_t)be32_get(bytes + AT_PAYLOAD) * SECTOR,
        .dynamic = true,
        .encryption = h->encryption,
        .sector_size = SECTOR,
    };
}

/* The place of one key area, used or not. */
static enum rc check_area(const struct luks1_header *h, const uint8_t *slot, unsigned number,
                          uint64_t size, struct fault *why)
{
    uint64_t data = h->as_luks2.segments[0].offset;
    uint64_t at = (uint64_t)be32_get(slot + AT_MATERIAL) * SECTOR;

    if (be32_get(slot + AT_STRIPES) != LUKS2_STRIPES)
        return fail(why, RC_FORMAT, "LUKS1 header: keyslot %u has %u stripes and not %d",
                    number, be32_get(slot + AT_STRIPES), LUKS2_STRIPES);
    if (at < LUKS1_HEADER_SIZE)
        return fail(why, RC_FORMAT, "LUKS1 header: keyslot %u lies in the header", number);
    if (data != 0 && at + size > data)
        return fail(why, RC_FORMAT, "LUKS1 header: keyslot %u lies in the data", number);
    return RC_OK;
}

static enum rc take_keyslot(struct luks1_header *h, const uint8_t *slot, unsigned number,
                            uint32_t key_size, uint64_t area_size, struct fault *why)
{
    struct luks2_keyslot *out = &h->as_luks2.keyslots[number];
    uint32_t state = be32_get(slot + AT_ACTIVE);
    enum rc rc = check_area(h, slot, number, area_size, why);

    if (rc != RC_OK)
        return rc;
    if (!is_enabled(state) && !is_disabled(state))
        return fail(why, RC_FORMAT, "LUKS1 header: keyslot %u is in no known state", number);
    *out = (struct luks2_keyslot){
        .present = is_enabled(state),
        .type = "luks1",
        .priority = LUKS2_NORMAL,
        .key_size = key_size,
        .af_hash = h->hash,
        .area_offset = (uint64_t)be32_get(slot + AT_MATERIAL) * SECTOR,
        .area_size = area_size,
        .area_encryption = h->encryption,
        .area_key_size = key_size,
        .kdf_type = "pbkdf2",
        .kdf = {.kdf = &kdf_pbkdf2,
                .hash = hash_find(h->hash),
                .passes = be32_get(slot + AT_ITERATIONS),
                .salt_len = LUKS1_SALT_SIZE},
    };
    memcpy(out->kdf.salt, slot + AT_SALT, LUKS1_SALT_SIZE);
    if (out->present) {
        uint64_t end = out->area_offset + out->area_size;

        h->as_luks2.digests[0].keyslots |= UINT32_C(1) << number;
        if (end > h->as_luks2.keyslots_size)
            h->as_luks2.keyslots_size = end;
    }
    return RC_OK;
}

static enum rc check_overlaps(const struct luks1_header *h, struct fault *why)
{
    const struct luks2_keyslot *slots = h->as_luks2.keyslots;

    for (unsigned a = 0; a < LUKS1_KEYSLOTS; a++) {
        for (unsigned b = a + 1; b < LUKS1_KEYSLOTS; b++) {
            if (slots[a].area_offset < slots[b].area_offset + slots[b].area_size &&
                slots[b].area_offset < slots[a].area_offset + slots[a].area_size)
                return fail(why, RC_FORMAT, "LUKS1 header: keyslots %u and %u overlap", a, b);
        }
    }
    return RC_OK;
}

static enum rc take_keyslots(struct luks1_header *h, const uint8_t *bytes, struct fault *why)
{
    uint32_t key_size = be32_get(bytes + AT_KEY_BYTES);
    uint64_t area_size;

    if (key_size == 0 || key_size > LUKS2_VOLUME_KEY_MAX)
        return fail(why, RC_FORMAT, "LUKS1 header: a key cannot have %u bytes", key_size);
    area_size = ((uint64_t)key_size * LUKS2_STRIPES + SECTOR - 1) / SECTOR * SECTOR;
    for (unsigned i = 0; i < LUKS1_KEYSLOTS; i++) {
        const uint8_t *slot = bytes + AT_KEYSLOTS + (size_t)i * KEYSLOT_SIZE;
        enum rc rc = take_keyslot(h, slot, i, key_size, area_size, why);

        if (rc != RC_OK)
            return rc;
    }
    return check_overlaps(h, why);
}

enum rc luks1_header_parse(struct luks1_header *header, const uint8_t bytes[LUKS1_HEADER_SIZE],
                           struct fault *why)
{
    enum rc rc;

    *header = (struct luks1_header){0};
    if (memcmp(bytes, magic_of_midst, sizeof magic_of_midst) == 0 &&
        be16_get(bytes + AT_VERSION) == VERSION)
        return fail(why, RC_UNSUPPORTED,
                    "cryptsetup-reencrypt was interrupted while it rewrote the data; the same "
                    "command, of cryptsetup before 2.5, goes on where it left its files "
                    "LUKS-UUID.log, .org and .new");
    if (memcmp(bytes, magic, sizeof magic) != 0 || be16_get(bytes + AT_VERSION) != VERSION)
        return fail(why, RC_NOT_FOUND, "no LUKS1 header is here");
    if ((rc = take_texts(header, bytes, why)) != RC_OK)
        return rc;
    take_digest(header, bytes);
    take_segment(header, bytes);
    header->as_luks2.keyslots_size = LUKS1_HEADER_SIZE;
    return take_keyslots(header, bytes, why);
}

/* Zeros behind it. */
static void put_text(uint8_t *bytes, const char *text, size_t size)
{
    memset(bytes, 0, size);
    memcpy(bytes, text, strnlen(text, size - 1));
}

static void put_keyslot(uint8_t *at, const struct luks2_keyslot *slot)
{
    be32_put(at + AT_ACTIVE, slot->present ? enabled : disabled);
    be32_put(at + AT_ITERATIONS, slot->kdf.passes);
    memcpy(at + AT_SALT, slot->kdf.salt, LUKS1_SALT_SIZE);
    be32_put(at + AT_MATERIAL, (uint32_t)(slot->area_offset / SECTOR));
    be32_put(at + AT_STRIPES, LUKS2_STRIPES);
}

void luks1_header_put(const struct luks1_header *header, uint8_t bytes[LUKS1_HEADER_SIZE])
{
    const struct luks2 *h = &header->as_luks2;
    const struct luks2_digest *digest = &h->digests[0];
    size_t name = strcspn(header->encryption, "-");
    char cipher[LUKS1_TEXT_SIZE];

    memcpy(bytes, magic, sizeof magic);
    be16_put(bytes + AT_VERSION, VERSION);
    snprintf(cipher, sizeof cipher, "%.*s", (int)name, header->encryption);
    put_text(bytes + AT_CIPHER_NAME, cipher, LUKS1_TEXT_SIZE);
    put_text(bytes + AT_CIPHER_MODE, header->encryption + name + 1, LUKS1_TEXT_SIZE);
    put_text(bytes + AT_HASH, header->hash, LUKS1_TEXT_SIZE);
    be32_put(bytes + AT_PAYLOAD, (uint32_t)(h->segments[0].offset / SECTOR));
    be32_put(bytes + AT_KEY_BYTES, h->keyslots[0].key_size);
    memcpy(bytes + AT_DIGEST, digest->digest, LUKS1_DIGEST_SIZE);
    memcpy(bytes + AT_DIGEST_SALT, digest->salt, LUKS1_SALT_SIZE);
    be32_put(bytes + AT_DIGEST_ITERATIONS, digest->iterations);
    put_text(bytes + AT_UUID, h->uuid, LUKS2_UUID_SIZE);
    for (unsigned i = 0; i < LUKS1_KEYSLOTS; i++)
        put_keyslot(bytes + AT_KEYSLOTS + (size_t)i * KEYSLOT_SIZE, &h->keyslots[i]);
}

/* The state, the place and the stripes of slots without a key; true for one that had others. */
static bool renew_slot(uint8_t *slot, unsigned number, uint64_t area_size)
{
    uint32_t place =
        (uint32_t)((PAGE + number * ((area_size + PAGE - 1) / PAGE * PAGE)) / SECTOR);

    if (is_disabled(be32_get(slot + AT_ACTIVE)) && be32_get(slot + AT_MATERIAL) == place &&
        be32_get(slot + AT_STRIPES) == LUKS2_STRIPES)
        return false;
    be32_put(slot + AT_ACTIVE, disabled);
    be32_put(slot + AT_MATERIAL, place);
    be32_put(slot + AT_STRIPES, LUKS2_STRIPES);
    return true;
}

static void renew_slots(uint8_t bytes[LUKS1_HEADER_SIZE], unsigned *mended)
{
    uint64_t area_size = (uint64_t)be32_get(bytes + AT_KEY_BYTES) * LUKS2_STRIPES;

    *mended = 0;
    for (unsigned i = 0; i < LUKS1_KEYSLOTS; i++) {
        uint8_t *slot = bytes + AT_KEYSLOTS + (size_t)i * KEYSLOT_SIZE;

        if (!is_enabled(be32_get(slot + AT_ACTIVE)) && renew_slot(slot, i, area_size))
            *mended |= 1U << i;
    }
}

/* mended: NULL to take it as it is */
static enum rc read_into(struct luks1_header *header, struct device *device, unsigned *mended,
                         struct fault *why)
{
    uint8_t bytes[LUKS1_HEADER_SIZE];
    enum rc rc;

    if (device->size < sizeof bytes)
        return fail(why, RC_NOT_FOUND, "no LUKS1 header is here");
    if ((rc = device_read(device, 0, bytes, sizeof bytes, why)))
        return rc;
    if (mended)
        renew_slots(bytes, mended);
    if ((rc = luks1_header_parse(header, bytes, why)))
        return rc;
    if (luks2_total_size(&header->as_luks2) > device->size)
        return fail(why, RC_TRUNCATED,
                    "the device was cut off: it ends at %" PRIu64
                    ", within the keys of its header",
                    device->size);
    return RC_OK;
}

static_assert(offsetof(struct luks1_header, as_luks2) == 0, "one is freed as the other");

static enum rc read_header(struct luks2 **out, struct device *device, unsigned *mended,
                           struct fault *why)
{
    struct luks1_header *header = calloc(1, sizeof *header);
    enum rc rc;

    if (!header)
        return fail(why, RC_MEMORY, "no memory for a header");
    if ((rc = read_into(header, device, mended, why)) != RC_OK) {
        luks2_close(&header->as_luks2);
        return rc;
    }
    *out = &header->as_luks2;
    return RC_OK;
}

enum rc luks1_header_read(struct luks2 **out, struct device *device, struct fault *why)
{
    return read_header(out, device, NULL, why);
}

enum rc luks1_header_mend(struct luks2 **out, struct device *device, unsigned *mended,
                          struct fault *why)
{
    return read_header(out, device, mended, why);
}

bool luks1_header_is(const struct luks2 *header)
{
    return strcmp(header->keyslots[0].type ? header->keyslots[0].type : "", "luks1") == 0;
}

uint64_t luks1_header_size(const struct luks2 *header)
{
    uint64_t last = 0;

    for (unsigned i = 0; i < LUKS1_KEYSLOTS; i++) {
        uint64_t end = header->keyslots[i].area_offset + header->keyslots[i].area_size;

        if (end > last)
            last = end;
    }
    return (last + PAGE - 1) / PAGE * PAGE;
}
