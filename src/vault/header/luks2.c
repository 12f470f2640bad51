#include "vault/header/luks2.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/cipher.h"
#include "crypto/seal.h"
#include "io/device_signature.h"
#include "vault/header/binary.h"
#include "vault/header/digest.h"
#include "vault/header/metadata.h"

uint64_t luks2_total_size(const struct luks2 *header)
{
    return 2 * (uint64_t)header->copy_size + header->keyslots_size;
}

void luks2_close(struct luks2 *header)
{
    if (header)
        json_close(header->metadata);
    free(header);
}

static enum rc fill_copy(struct luks2 *header, struct device *device, uint64_t offset,
                         struct fault *why)
{
    uint8_t binary[BINARY_SIZE], *copy;
    enum rc rc;

    if ((rc = device_read(device, offset, binary, sizeof binary, why)) ||
        (rc = binary_parse(header, binary, offset, why)))
        return rc;
    if (header->copy_size > device->size - offset)
        return fail(why, RC_TRUNCATED, "the device ends within the header");
    if (!(copy = malloc(header->copy_size)))
        return fail(why, RC_MEMORY, "no memory to read a header");
    if ((rc = device_read(device, offset, copy, header->copy_size, why)) == RC_OK &&
        (rc = binary_check(header, copy, why)) == RC_OK)
        rc = metadata_parse(header,
                            span_of(copy + BINARY_SIZE, header->copy_size - BINARY_SIZE), why);
    free(copy);
    return rc;
}

/* One copy with all its checks; *out is NULL unless it is sound. */
static enum rc read_copy(struct luks2 **out, struct device *device, uint64_t offset,
                         struct fault *why)
{
    struct luks2 *header = calloc(1, sizeof *header);
    enum rc rc;

    *out = NULL;
    if (!header)
        return fail(why, RC_MEMORY, "no memory to read a header");
    if ((rc = fill_copy(header, device, offset, why)) != RC_OK) {
        luks2_close(header);
        return rc;
    }
    header->second_is_good = offset != 0;
    *out = header;
    return RC_OK;
}

/* A second copy stands at one of a few places: what is sound there is found without the first
 * one. */
static enum rc find_second(struct luks2 **out, struct device *device, struct fault *why)
{
    enum rc worst = RC_NOT_FOUND;

    *out = NULL;
    for (uint64_t at = LUKS2_HEADER_SIZE_MIN; at <= LUKS2_HEADER_SIZE_MAX; at *= 2) {
        uint8_t magic[8];
        enum rc rc;

        if (at > device->size || device->size - at < BINARY_SIZE)
            break;
        if ((rc = device_read(device, at, magic, sizeof magic, why)) != RC_OK)
            return rc;
        if (!binary_is_second(magic))
            continue;
        if ((rc = read_copy(out, device, at, why)) == RC_OK)
            return RC_OK;
        worst = rc;
    }
    return worst;
}

/* What the front of the device says before any copy is read. */
static enum rc look_at_front(struct device *device, bool *is_luks, struct fault *why)
{
    uint8_t front[8];
    enum rc rc;

    *is_luks = false;
    if (device->size < BINARY_SIZE)
        return fail(why, RC_NOT_FOUND, "there is no LUKS2 header: only %" PRIu64 " bytes",
                    device->size);
    if ((rc = device_read(device, 0, front, sizeof front, why)) != RC_OK)
        return rc;
    *is_luks = binary_is_first(front);
    if (*is_luks && binary_version(front) == 1)
        return fail(why, RC_UNSUPPORTED,
                    "this is a LUKS1 header, and LUKS2 is needed here ('keep convert' makes "
                    "one of it)");
    return RC_OK;
}

/* Somebody may have made a new thing of the device and left our second copy behind. */
static enum rc check_front_is_free(const struct device *device, struct fault *why)
{
    char name[DEVICE_SIGNATURE_SIZE];
    enum rc rc = device_signature(device, name, why);

    if (rc == RC_OK && name[0])
        return fail(
            why, RC_BUSY,
            "only the second copy of a LUKS2 header is left, and the device looks like "
            "\"%s\" now",
            name);
    return rc;
}

static enum rc only_second(struct luks2 **out, struct device *device, bool is_luks,
                           const struct fault *first, struct fault *why)
{
    enum rc rc = find_second(out, device, why);

    if (rc == RC_NOT_FOUND && !is_luks)
        return fail(why, RC_NOT_FOUND, "there is no LUKS2 header");
    if (rc == RC_NOT_FOUND || (rc != RC_OK && is_luks))
        return fail(why, first->rc, "LUKS2 header: %s; nor is there a sound second copy",
                    first->text);
    if (rc != RC_OK)
        return rc;
    if (!is_luks && (rc = check_front_is_free(device, why)) != RC_OK) {
        luks2_close(*out);
        *out = NULL;
        return rc;
    }
    (*out)->repair_due = true;
    (*out)->damage = *first;
    return RC_OK;
}

/* Both may be sound after a cut between the two writes: the newer one counts. */
static void choose(struct luks2 **out, struct luks2 *first, struct luks2 *second,
                   const struct fault *damage)
{
    struct luks2 *good = second && second->sequence > first->sequence ? second : first;
    struct luks2 *other = good == first ? second : first;

    good->repair_due = !other || other->sequence != good->sequence;
    if (!other)
        good->damage = *damage;
    else if (good->repair_due)
        (void)fail(&good->damage, RC_FORMAT, "it is older");
    luks2_close(other);
    *out = good;
}

/* The areas of all slots must be there, or a later look into them fails for a reason nobody
 * sees. */
static enum rc check_device_size(const struct luks2 *header, const struct device *device,
                                 struct fault *why)
{
    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++) {
        const struct luks2_keyslot *slot = &header->keyslots[i];

        if (slot->present && slot->area_offset + slot->area_size > device->size)
            return fail(why, RC_TRUNCATED,
                        "the device was cut off: it ends at %" PRIu64
                        ", within the keys of its header",
                        device->size);
    }
    return RC_OK;
}

enum rc luks2_read(struct luks2 **out, struct device *device, struct fault *why)
{
    struct luks2 *first = NULL, *second = NULL, *header = NULL;
    struct fault damage = {0};
    bool is_luks;
    enum rc rc;

    if ((rc = look_at_front(device, &is_luks, why)) != RC_OK)
        return rc;
    rc = read_copy(&first, device, 0, &damage);
    if (rc == RC_MEMORY || rc == RC_IO)
        return fail(why, rc, "%s", damage.text);
    if (first) {
        rc = read_copy(&second, device, first->copy_size, &damage);
        if (rc == RC_MEMORY || rc == RC_IO) {
            luks2_close(first);
            return fail(why, rc, "%s", damage.text);
        }
        choose(&header, first, second, &damage);
    } else if ((rc = only_second(&header, device, is_luks, &damage, why)) != RC_OK) {
        return rc;
    }
    if ((rc = check_device_size(header, device, why)) != RC_OK) {
        luks2_close(header);
        return rc;
    }
    *out = header;
    return RC_OK;
}

/* The JSON text with its padding, behind room for the binary header; freed by the caller. */
static enum rc make_copy(const struct luks2 *header, uint8_t **out, struct fault *why)
{
    size_t room = header->copy_size - BINARY_SIZE;
    struct text json = {0};
    enum rc rc = RC_OK;

    *out = calloc(1, header->copy_size);
    json_write(header->metadata, &json);
    if (!*out || !text_ok(&json))
        rc = fail(why, RC_MEMORY, "no memory to write a header");
    else if (json.len >= room)
        rc = fail(why, RC_LIMIT, "the header is full: %zu bytes do not fit into %zu", json.len,
                  room);
    else
        memcpy(*out + BINARY_SIZE, json.at, json.len);
    text_clear(&json);
    if (rc != RC_OK) {
        free(*out);
        *out = NULL;
    }
    return rc;
}

static enum rc write_copy(const struct luks2 *header, struct device *device, uint8_t *copy,
                          bool second, struct fault *why)
{
    uint64_t offset = second ? header->copy_size : 0;
    enum rc rc = binary_write(header, copy, offset, why);

    if (rc == RC_OK)
        rc = device_write(device, offset, copy, header->copy_size, why);
    return rc == RC_OK ? device_flush(device, why) : rc;
}

/* The bad copy, or the first one where both are good. What is bad is known at every step, for
 * a next try. */
static enum rc write_both(struct luks2 *header, struct device *device, uint8_t *copy,
                          struct fault *why)
{
    bool second = header->repair_due && !header->second_is_good;
    enum rc rc;

    header->repair_due = true;
    header->second_is_good = !second;
    if ((rc = write_copy(header, device, copy, second, why)) != RC_OK)
        return rc;
    header->second_is_good = second;
    if ((rc = write_copy(header, device, copy, !second, why)) != RC_OK)
        return rc;
    header->repair_due = false;
    header->damage = (struct fault){0};
    return RC_OK;
}

enum rc luks2_write(struct luks2 *header, struct device *device, struct fault *why)
{
    uint8_t *copy;
    enum rc rc;

    if (luks2_total_size(header) > device->size)
        return fail(why, RC_TRUNCATED,
                    "the device has %" PRIu64 " bytes; the header takes %" PRIu64,
                    device->size, luks2_total_size(header));
    if ((rc = make_copy(header, &copy, why)) != RC_OK)
        return rc;
    header->sequence++;
    rc = write_both(header, device, copy, why);
    free(copy);
    return rc;
}

enum rc luks2_repair(struct luks2 *header, struct device *device, struct fault *why)
{
    uint8_t *copy;
    enum rc rc;

    if (!header->repair_due)
        return RC_OK;
    if ((rc = make_copy(header, &copy, why)) != RC_OK)
        return rc;
    rc = write_copy(header, device, copy, !header->second_is_good, why);
    free(copy);
    if (rc == RC_OK) {
        header->repair_due = false;
        header->damage = (struct fault){0};
    }
    return rc;
}

static enum rc check_encryption(const struct luks2_segment *segment, struct fault *why)
{
    if (segment->integrity && segment->secret_journal)
        return fail(why, RC_UNSUPPORTED,
                    "the journal of its dm-integrity is encrypted or authenticated, which is "
                    "not known here; open it with cryptsetup");
    if (segment->integrity && !seal_find(segment->encryption, segment->integrity))
        return fail(why, RC_UNSUPPORTED,
                    "the cipher \"%s\" with the integrity \"%s\" is not known here",
                    segment->encryption, segment->integrity);
    if (!segment->integrity && !cipher_find(segment->encryption))
        return fail(why, RC_UNSUPPORTED, "the cipher \"%s\" is not known here",
                    segment->encryption);
    return RC_OK;
}

/* The only segment there is, of a kind that we serve. */
static enum rc check_segment(const struct luks2 *header, struct fault *why)
{
    const struct luks2_segment *segment = &header->segments[0];

    if (header->requirement)
        return fail(why, RC_UNSUPPORTED,
                    "the header requires \"%s\", which is not known here; use a newer version",
                    header->requirement);
    if (header->reencrypting)
        return fail(why, RC_UNSUPPORTED,
                    "its encryption, decryption or reencryption was begun and not finished; "
                    "keep encrypt, decrypt or reencrypt with --resume continues it");
    if (header->segments[1].present)
        return fail(why, RC_UNSUPPORTED, "the volume has several segments");
    if (strcmp(segment->type, "crypt") != 0)
        return fail(why, RC_UNSUPPORTED, "segments of type \"%s\" are not known here",
                    segment->type);
    return check_encryption(segment, why);
}

uint32_t luks2_key_size(const struct luks2 *header, int digest)
{
    for (unsigned i = 0; digest >= 0 && i < LUKS2_KEYSLOTS_MAX; i++) {
        if (header->digests[digest].keyslots >> i & 1)
            return header->keyslots[i].key_size;
    }
    return 0;
}

enum rc luks2_extent_find(const struct luks2 *header, uint64_t device_size,
                          struct luks2_extent *extent, struct fault *why)
{
    const struct luks2_segment *segment = &header->segments[0];
    uint64_t len = segment->size;
    enum rc rc = check_segment(header, why);

    if (rc != RC_OK)
        return rc;
    if (segment->dynamic && device_size > segment->offset)
        len = (device_size - segment->offset) / segment->sector_size * segment->sector_size;
    if (len == 0 || segment->offset > device_size || len > device_size - segment->offset)
        return fail(why, RC_TRUNCATED,
                    "the device was cut off: it ends at %" PRIu64
                    ", the data of the volume at %" PRIu64 " or behind",
                    device_size, segment->offset + (len > 0 ? len : segment->sector_size));
    *extent = (struct luks2_extent){
        .offset = segment->offset,
        .len = len,
        .iv_tweak = segment->iv_tweak,
        .sector_size = segment->sector_size,
        .encryption = segment->encryption,
        .integrity = segment->integrity,
        .key_size = luks2_key_size(header, digest_of_segment(header, 0)),
    };
    return RC_OK;
}

bool luks2_takes_key(const char *encryption, const char *integrity, size_t key_size)
{
    return integrity ? seal_takes_key(seal_find(encryption, integrity), encryption, key_size)
                     : cipher_takes_key(cipher_find(encryption), key_size);
}
