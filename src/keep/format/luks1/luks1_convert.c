#include "keep/format/luks1/luks1_convert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/random.h"
#include "keep/format/luks1/luks1_header.h"
#include "keep/format/luks1/luks1_write.h"
#include "vault/header/digest.h"
#include "vault/header/keyslot.h"
#include "vault/header/keyslot_name.h"
#include "vault/header/luks2_format.h"
#include "vault/header/metadata.h"

enum {
    SECTOR = 512,
    COPY = LUKS2_HEADER_SIZE_MIN, /* bytes of one copy of a LUKS2 header */
    COPIES = 2 * COPY,
    BINARY = 4096, /* of which the binary header is the first part */
    RUN = 64 << 10,
    IN_FIRST_SECTOR = 6, /* slots of a LUKS1 header */
};

static uint64_t round_up(uint64_t size, uint64_t unit)
{
    return (size + unit - 1) / unit * unit;
}

static enum rc write_through(struct device *device, uint64_t at, const void *bytes, size_t len,
                             struct fault *why)
{
    enum rc rc = device_write(device, at, bytes, len, why);

    return rc == RC_OK ? device_flush(device, why) : rc;
}

/* Encrypted bytes, whose encryption counts from the beginning of their area: a copy is as good. */
static enum rc copy_area(struct device *device, uint64_t from, uint64_t to, uint64_t size,
                         struct fault *why)
{
    uint8_t *run = malloc(RUN);
    enum rc rc = run ? RC_OK : fail(why, RC_MEMORY, "no memory to move a key slot");

    for (uint64_t done = 0; done < size && rc == RC_OK; done += RUN) {
        size_t len = size - done < RUN ? (size_t)(size - done) : RUN;

        if ((rc = device_read(device, from + done, run, len, why)) == RC_OK)
            rc = device_write(device, to + done, run, len, why);
    }
    free(run);
    return rc == RC_OK ? device_flush(device, why) : rc;
}

static bool lends_place(const struct luks2_keyslot *slot)
{
    return !slot->present && slot->area_offset >= COPIES;
}

/* A free slot whose place is out of the way, and may be used by another: if there is one that stands with
 * it in the first sector of the header, which arrives whole. */
static struct luks2_keyslot *find_place(struct luks2 *header, unsigned number)
{
    for (unsigned i = 0; i < IN_FIRST_SECTOR && number < IN_FIRST_SECTOR; i++)
        if (lends_place(&header->keyslots[i]))
            return &header->keyslots[i];
    for (unsigned i = 0; i < LUKS1_KEYSLOTS; i++)
        if (lends_place(&header->keyslots[i]))
            return &header->keyslots[i];
    return NULL;
}

/* The copy of a slot that stands in the way, made by move_key: nothing else has its salt. */
static struct luks2_keyslot *find_twin(struct luks2 *header, const struct luks2_keyslot *slot)
{
    for (struct luks2_keyslot *other = header->keyslots;
         other < header->keyslots + LUKS1_KEYSLOTS; other++)
        if (other != slot && other->present && other->area_offset >= COPIES &&
            other->kdf.passes == slot->kdf.passes &&
            memcmp(other->kdf.salt, slot->kdf.salt, LUKS1_SALT_SIZE) == 0)
            return other;
    return NULL;
}

static bool is_in_the_way(struct luks2 *header, const struct luks2_keyslot *slot)
{
    return slot->present && slot->area_offset < COPIES && !find_twin(header, slot);
}

/* What can be known before anything is written. */
static enum rc check_luks1(struct luks2 *header, uint64_t end, struct fault *why)
{
    unsigned in_the_way = 0, places = 0;

    if (end < COPIES + LUKS2_AREA_ALIGN || end % LUKS2_AREA_ALIGN != 0)
        return fail(why, RC_UNSUPPORTED,
                    "the data begin at %" PRIu64 ", where a LUKS2 header does not end", end);
    for (unsigned i = 0; i < LUKS1_KEYSLOTS; i++) {
        const struct luks2_keyslot *slot = &header->keyslots[i];
        bool fits = slot->area_offset % LUKS2_AREA_ALIGN == 0 &&
                    slot->area_offset + round_up(slot->area_size, LUKS2_AREA_ALIGN) <= end;

        in_the_way += is_in_the_way(header, slot);
        places += lends_place(slot) && fits;
        if (slot->present && !fits)
            return fail(why, RC_UNSUPPORTED, "key slot %u stands where LUKS2 has none", i);
    }
    if (in_the_way > places)
        return fail(
            why, RC_UNSUPPORTED,
            "all its key slots are in use, and the first has to move: remove one first");
    return RC_OK;
}

/* The next slot that is in the way, and the free one whose place it gets; false where none is. */
static bool next_move(struct luks2 *header, unsigned *number, struct luks2_keyslot **place)
{
    for (*number = 0; *number < LUKS1_KEYSLOTS; ++*number)
        if (is_in_the_way(header, &header->keyslots[*number]) &&
            (*place = find_place(header, *number)))
            return true;
    return false;
}

static void swap_places(struct luks2_keyslot *a, struct luks2_keyslot *b)
{
    uint64_t at = a->area_offset;

    a->area_offset = b->area_offset;
    b->area_offset = at;
}

/*
 * The area is there twice. Within one sector of the header two slots change places at once. Where it takes
 * two, that would be areas that overlap if one arrives alone: the free slot becomes a twin of the other
 * instead, with its salt first and then its state, and the LUKS2 header knows that they are one.
 */
static enum rc move_key(struct luks2 *header, struct device *device, unsigned number,
                        struct luks2_keyslot *place, struct fault *why)
{
    struct luks2_keyslot *slot = &header->keyslots[number];
    enum rc rc;

    if (number < IN_FIRST_SECTOR && place < &header->keyslots[IN_FIRST_SECTOR]) {
        swap_places(slot, place);
        return luks1_header_write(header, device, why);
    }
    place->kdf = slot->kdf;
    if ((rc = luks1_header_write(header, device, why)) != RC_OK)
        return rc;
    place->present = true;
    return luks1_header_write(header, device, why);
}

static enum rc clear_the_way(struct luks2 *header, struct device *device, struct fault *why)
{
    struct luks2_keyslot *place;
    unsigned number;
    enum rc rc = RC_OK;

    while (rc == RC_OK && next_move(header, &number, &place)) {
        const struct luks2_keyslot *slot = &header->keyslots[number];

        rc = copy_area(device, slot->area_offset, place->area_offset, slot->area_size, why);
        if (rc == RC_OK)
            rc = move_key(header, device, number, place, why);
    }
    return rc;
}

/* The digest that is known, in the place of the one that luks2_format made for a key of its own. */
static bool put_digest(struct json *json, const struct luks2_digest *digest)
{
    struct text salt = {0}, bytes = {0};
    bool good;

    base64_encode(span_of(digest->salt, digest->salt_len), &salt);
    base64_encode(span_of(digest->digest, digest->digest_len), &bytes);
    good = text_ok(&salt) && text_ok(&bytes) &&
           json_put_string(json, "hash", digest->hash->name) &&
           json_put_number(json, "iterations", digest->iterations) &&
           json_put_string(json, "salt", salt.at) && json_put_string(json, "digest", bytes.at);
    text_clear(&salt);
    text_clear(&bytes);
    return good;
}

static enum rc make_luks2(const struct luks2 *header, uint64_t end, struct luks2 **out,
                          struct fault *why)
{
    const struct luks2_format format = {.encryption = header->segments[0].encryption,
                                        .sector_size = SECTOR,
                                        .header_size = end,
                                        .detached = header->segments[0].offset == 0,
                                        .uuid = header->uuid};
    SCOPED(secret) any = {0};
    enum rc rc;

    if ((rc = random_key(&any, header->keyslots[0].key_size, why)) ||
        (rc = luks2_format(out, &format, &any, why)))
        return rc == RC_USAGE ? (why->rc = RC_UNSUPPORTED) : rc;
    if (!put_digest(json_get(json_get((*out)->metadata, "digests"), "0"), &header->digests[0]))
        rc = fail(why, RC_MEMORY, "no memory for a header");
    else
        rc = metadata_refresh(*out, why);
    for (unsigned i = 0; i < LUKS1_KEYSLOTS && rc == RC_OK; i++) {
        struct luks2_keyslot slot = header->keyslots[i];

        slot.area_size = round_up(slot.area_size, LUKS2_AREA_ALIGN);
        if (slot.present)
            rc = keyslot_enter(*out, i, 0, &slot, why);
    }
    if (rc != RC_OK)
        luks2_close(*out);
    return rc;
}

/* Both copies, in memory: what luks2_write would write. */
static enum rc print_luks2(struct luks2 *header, uint8_t *bytes, uint64_t size,
                           struct fault *why)
{
    struct device *memory;
    enum rc rc = device_open_memory(&memory, bytes, size, why);

    if (rc != RC_OK)
        return rc;
    rc = luks2_write(header, memory, why);
    device_close(memory);
    return rc;
}

/*
 * The second copy; the first one's JSON; its first sector, with which LUKS1 ends and LUKS2, by its
 * second copy, begins; and the rest of the first.
 */
static enum rc switch_to_luks2(struct device *device, const uint8_t *bytes, struct fault *why)
{
    enum rc rc;

    if ((rc = write_through(device, COPY, bytes + COPY, COPY, why)) ||
        (rc = write_through(device, BINARY, bytes + BINARY, COPY - BINARY, why)) ||
        (rc = write_through(device, 0, bytes, SECTOR, why)))
        return rc;
    return write_through(device, SECTOR, bytes + SECTOR, BINARY - SECTOR, why);
}

/* A key has the place of its twin, and there is one of them again. */
static void join_twins(struct luks2 *header)
{
    for (unsigned i = 0; i < LUKS1_KEYSLOTS; i++) {
        struct luks2_keyslot *slot = &header->keyslots[i], *twin;

        if (slot->present && slot->area_offset < COPIES && (twin = find_twin(header, slot))) {
            swap_places(slot, twin);
            twin->present = false;
        }
    }
}

/* As the header will be once the slots have moved: whether it can be is known before they do. */
static enum rc plan_luks2(const struct luks2 *header, uint64_t end, struct luks2 **made,
                          struct fault *why)
{
    struct luks2 *moved = malloc(sizeof *moved);
    struct luks2_keyslot *place;
    unsigned number;
    enum rc rc;

    if (!moved)
        return fail(why, RC_MEMORY, "no memory for a header");
    *moved = *header;
    join_twins(moved);
    while (next_move(moved, &number, &place))
        swap_places(&moved->keyslots[number], place);
    rc = make_luks2(moved, end, made, why);
    free(moved);
    return rc;
}

static enum rc write_luks2(struct luks2 *made, struct device *device, uint64_t end,
                           struct fault *why)
{
    uint8_t *bytes = calloc(1, end);
    enum rc rc = bytes ? print_luks2(made, bytes, end, why)
                       : fail(why, RC_MEMORY, "no memory for a header");

    if (rc == RC_OK)
        rc = switch_to_luks2(device, bytes, why);
    free(bytes);
    return rc;
}

static bool is_free(const struct luks2 *header, uint64_t at, uint64_t size)
{
    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++) {
        const struct luks2_keyslot *slot = &header->keyslots[i];

        if (slot->present && slot->area_offset < at + size &&
            at < slot->area_offset + slot->area_size)
            return false;
    }
    return true;
}

/* cryptsetup finds room for the eight slots of LUKS1 again only where they stand close together. */
static enum rc move_to_grid(struct luks2 *header, struct device *device, unsigned number,
                            bool *moved, struct fault *why)
{
    struct luks2_keyslot slot = header->keyslots[number];
    uint64_t at = COPIES, end = luks2_total_size(header);
    struct json *json;
    char name[12];
    enum rc rc;

    if (!slot.present || (slot.area_offset - COPIES) % slot.area_size == 0)
        return RC_OK;
    while (at + slot.area_size <= end && !is_free(header, at, slot.area_size))
        at += slot.area_size;
    if (at + slot.area_size > end)
        return RC_OK;
    snprintf(name, sizeof name, "%u", number);
    json = json_get(json_get(json_get(header->metadata, "keyslots"), name), "area");
    if ((rc = copy_area(device, slot.area_offset, at, slot.area_size, why)))
        return rc;
    if (!json_put_decimal(json, "offset", at))
        return fail(why, RC_MEMORY, "no memory for a header");
    *moved = true;
    rc = metadata_refresh(header, why);
    return rc == RC_OK ? luks2_write(header, device, why) : rc;
}

/* Wherever no slot stands one may have stood before. */
static enum rc wipe_gaps(const struct luks2 *header, struct device *device, struct fault *why)
{
    uint64_t end = luks2_total_size(header), from = 2 * (uint64_t)header->copy_size;
    enum rc rc = RC_OK;

    if (end > device->size)
        end = device->size / LUKS2_AREA_ALIGN * LUKS2_AREA_ALIGN;
    for (uint64_t at = from; at <= end && rc == RC_OK; at += LUKS2_AREA_ALIGN) {
        if (at < end && is_free(header, at, LUKS2_AREA_ALIGN))
            continue;
        if (at > from)
            rc = keyslot_wipe(device, from, at - from, why);
        from = at + LUKS2_AREA_ALIGN;
    }
    return rc;
}

static enum rc tidy(struct luks2 *header, struct device *device, struct fault *why)
{
    bool moved = true;
    enum rc rc = RC_OK;

    while (moved && rc == RC_OK) {
        moved = false;
        for (unsigned i = 0; i < LUKS1_KEYSLOTS && rc == RC_OK; i++)
            rc = move_to_grid(header, device, i, &moved, why);
    }
    return rc == RC_OK ? wipe_gaps(header, device, why) : rc;
}

/* Where its slots stand is known of each. */
static bool has_known_areas(const struct luks2 *header)
{
    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++)
        if (header->keyslots[i].present && strcmp(header->keyslots[i].type, "luks2") != 0)
            return false;
    return !header->requirement && !header->reencrypting;
}

bool luks1_convert_may_tidy(const struct luks2 *header)
{
    return header->copy_size == COPY && has_known_areas(header);
}

enum rc luks1_convert_tidy(const struct luks2 *header, struct device *device,
                           struct fault *why)
{
    return wipe_gaps(header, device, why);
}

enum rc luks1_convert_to_luks2(struct luks2 *header, struct device *device, struct fault *why)
{
    uint64_t data = header->segments[0].offset;
    uint64_t end = data ? data : luks1_header_room(header->keyslots[0].key_size);
    struct luks2 *made;
    enum rc rc;

    if (end > device->size)
        end = device->size / LUKS2_AREA_ALIGN * LUKS2_AREA_ALIGN;
    if ((rc = check_luks1(header, end, why)) || (rc = plan_luks2(header, end, &made, why)))
        return rc;
    if ((rc = clear_the_way(header, device, why)) == RC_OK &&
        (rc = write_luks2(made, device, end, why)) == RC_OK)
        rc = tidy(made, device, why);
    luks2_close(made);
    return rc;
}

/* One hash for all that there is, and PBKDF2. */
static enum rc check_slot(const struct luks2 *header, unsigned number, const char *hash,
                          struct fault *why)
{
    const struct luks2_keyslot *slot = &header->keyslots[number];
    const char *encryption = header->segments[0].encryption;

    if (strcmp(slot->type, "luks2") != 0 || slot->unsupported)
        return fail(why, RC_UNSUPPORTED, "key slot %u is of a kind that LUKS1 does not have",
                    number);
    if (slot->kdf.kdf != &kdf_pbkdf2)
        return fail(why, RC_UNSUPPORTED,
                    "key slot %u is stretched by %s, and LUKS1 knows pbkdf2 alone "
                    "('keep key change --pbkdf pbkdf2' changes it)",
                    number, slot->kdf_type);
    if (number >= LUKS1_KEYSLOTS)
        return fail(why, RC_UNSUPPORTED, "key slot %u is beyond the eight of LUKS1", number);
    if (!(header->digests[0].keyslots >> number & 1))
        return fail(why, RC_UNSUPPORTED, "key slot %u does not hold the key of the data",
                    number);
    if (strcmp(slot->kdf.hash->name, hash) != 0 || strcmp(slot->af_hash, hash) != 0)
        return fail(why, RC_UNSUPPORTED, "key slot %u has another hash than the digest: %s",
                    number, slot->kdf.hash->name);
    if (strcmp(slot->area_encryption, encryption) != 0 ||
        slot->area_key_size != slot->key_size || slot->kdf.salt_len != LUKS1_SALT_SIZE)
        return fail(why, RC_UNSUPPORTED, "key slot %u is encrypted otherwise than the data",
                    number);
    return RC_OK;
}

static enum rc check_luks2(const struct luks2 *header, struct fault *why)
{
    const struct luks2_segment *data = &header->segments[0];
    const struct luks2_digest *digest = &header->digests[0];

    if (header->requirement || header->reencrypting)
        return fail(why, RC_UNSUPPORTED,
                    "it is in the midst of a reencryption, or needs what LUKS1 "
                    "does not have");
    if (header->segments[1].present || strcmp(data->type, "crypt") != 0 || !data->dynamic ||
        data->integrity || data->iv_tweak != 0 || data->sector_size != SECTOR)
        return fail(why, RC_UNSUPPORTED,
                    "its data are stored as LUKS1 cannot say: sectors of %u bytes%s",
                    data->sector_size, data->integrity ? ", with integrity" : "");
    if (header->digests[1].present || !digest->present || !digest->hash ||
        digest->digest_len < LUKS1_DIGEST_SIZE || digest->salt_len != LUKS1_SALT_SIZE)
        return fail(why, RC_UNSUPPORTED, "its digests are not those of LUKS1");
    for (unsigned i = 0; i < LUKS2_TOKENS_MAX; i++)
        if (header->tokens[i].present &&
            strcmp(header->tokens[i].type, KEYSLOT_NAME_TOKEN) != 0)
            return fail(why, RC_UNSUPPORTED,
                        "it has a token of the type \"%s\", for which LUKS1 has no place",
                        header->tokens[i].type);
    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++) {
        enum rc rc = header->keyslots[i].present
                         ? check_slot(header, i, digest->hash->name, why)
                         : RC_OK;

        if (rc != RC_OK)
            return rc;
    }
    return luks2_key_size(header, 0) > 0
               ? RC_OK
               : fail(why, RC_UNSUPPORTED,
                      "it has no key slot, which says how long its key is");
}

/* The next place where no slot stands, for one that is free; the copies will be gone. */
static enum rc place_free_slots(struct luks2 *h, uint64_t end, struct fault *why)
{
    uint64_t step = round_up(h->keyslots[0].area_size, LUKS2_AREA_ALIGN),
             at = LUKS2_AREA_ALIGN;

    for (unsigned i = 0; i < LUKS1_KEYSLOTS; i++) {
        bool moved = !h->keyslots[i].present;

        while (moved) {
            moved = false;
            for (unsigned k = 0; k < LUKS1_KEYSLOTS; k++) {
                const struct luks2_keyslot *slot = &h->keyslots[k];

                if (slot->present && slot->area_offset < at + step &&
                    at < slot->area_offset + step) {
                    at = slot->area_offset + step;
                    moved = true;
                }
            }
        }
        if (h->keyslots[i].present)
            continue;
        if (at + step > end)
            return fail(why, RC_UNSUPPORTED,
                        "there is no room for the eight key slots of LUKS1");
        h->keyslots[i].area_offset = at;
        at += step;
    }
    return RC_OK;
}

static enum rc make_luks1(const struct luks2 *header, struct luks2 **out, struct fault *why)
{
    const struct luks1_format format = {.encryption = header->segments[0].encryption,
                                        .uuid = header->uuid,
                                        .detached = header->segments[0].offset == 0};
    SCOPED(secret) any = {0};
    struct luks1_header *h;
    enum rc rc;

    if ((rc = random_key(&any, luks2_key_size(header, 0), why)) ||
        (rc = luks1_format(out, &format, &any, why)))
        return rc;
    h = (struct luks1_header *)(void *)*out;
    h->as_luks2.segments[0].offset = header->segments[0].offset;
    h->as_luks2.digests[0] = header->digests[0];
    snprintf(h->hash, sizeof h->hash, "%s", header->digests[0].hash->name);
    for (unsigned i = 0; i < LUKS1_KEYSLOTS; i++)
        if (header->keyslots[i].present) {
            h->as_luks2.keyslots[i].present = true;
            h->as_luks2.keyslots[i].area_offset = header->keyslots[i].area_offset;
            h->as_luks2.keyslots[i].kdf = header->keyslots[i].kdf;
        }
    return place_free_slots(&h->as_luks2, luks2_total_size(header), why);
}

/*
 * The second sector of the LUKS1 header, while LUKS2's second copy still counts; the first, with which
 * LUKS1 begins; and then nothing of LUKS2 may be left to be found.
 */
static enum rc switch_to_luks1(const struct luks2 *made, struct device *device,
                               uint64_t copies, struct fault *why)
{
    uint8_t bytes[2 * SECTOR] = {0};
    uint8_t *zeros;
    enum rc rc;

    luks1_header_put((const struct luks1_header *)(const void *)made, bytes);
    if ((rc = write_through(device, SECTOR, bytes + SECTOR, SECTOR, why)) ||
        (rc = write_through(device, 0, bytes, SECTOR, why)))
        return rc;
    if (!(zeros = calloc(1, copies)))
        return fail(why, RC_MEMORY, "no memory to clear the old header");
    rc = write_through(device, sizeof bytes, zeros, copies - sizeof bytes, why);
    free(zeros);
    return rc;
}

enum rc luks1_convert_from_luks2(struct luks2 *header, struct device *device,
                                 struct fault *why)
{
    struct luks2 *made = NULL;
    enum rc rc;

    if ((rc = check_luks2(header, why)) || (rc = luks2_repair(header, device, why)))
        return rc;
    if ((rc = make_luks1(header, &made, why)) == RC_OK)
        rc = switch_to_luks1(made, device, 2 * (uint64_t)header->copy_size, why);
    luks2_close(made);
    return rc;
}
