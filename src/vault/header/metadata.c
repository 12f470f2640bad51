#include "vault/header/metadata.h"

#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "vault/header/binary.h"

bool metadata_number(const char *name, unsigned max, unsigned *number)
{
    uint64_t value;

    if ((name[0] == '0' && name[1]) ||
        units_parse_number(span_text(name), max - 1, &value) != RC_OK)
        return false;
    *number = (unsigned)value;
    return true;
}

bool metadata_numbers(const struct json *array, unsigned max, uint32_t *bits)
{
    const char *none;

    *bits = 0;
    if (!json_is_array(array) || json_count(array) > max)
        return false;
    for (size_t i = 0; i < json_count(array); i++) {
        const char *name = json_string(json_at(array, i, &none));
        unsigned number;

        if (!name || !metadata_number(name, max, &number) || *bits >> number & 1)
            return false;
        *bits |= UINT32_C(1) << number;
    }
    return true;
}

/* The five objects at the top: what is in them, how many, and where they go. */
struct section {
    const char *name, *one;
    unsigned max;
    enum rc (*read)(struct luks2 *header, unsigned number, const struct json *json,
                    struct fault *why);
};

static enum rc read_keyslot(struct luks2 *header, unsigned number, const struct json *json,
                            struct fault *why)
{
    header->keyslots[number].present = true;
    return metadata_keyslot(&header->keyslots[number], json, why);
}

static enum rc read_segment(struct luks2 *header, unsigned number, const struct json *json,
                            struct fault *why)
{
    header->segments[number].present = true;
    return metadata_segment(&header->segments[number], json, why);
}

static enum rc read_digest(struct luks2 *header, unsigned number, const struct json *json,
                           struct fault *why)
{
    header->digests[number].present = true;
    return metadata_digest(&header->digests[number], json, why);
}

static enum rc read_token(struct luks2 *header, unsigned number, const struct json *json,
                          struct fault *why)
{
    header->tokens[number].present = true;
    return metadata_token(&header->tokens[number], json, why);
}

static const struct section sections[] = {
    {"keyslots", "keyslot", LUKS2_KEYSLOTS_MAX, read_keyslot},
    {"segments", "segment", LUKS2_SEGMENTS_MAX, read_segment},
    {"digests", "digest", LUKS2_DIGESTS_MAX, read_digest},
    {"tokens", "token", LUKS2_TOKENS_MAX, read_token},
};

static enum rc read_section(struct luks2 *header, const struct section *section,
                            struct fault *why)
{
    struct json *object = json_get(header->metadata, section->name);
    size_t count = json_count(object);

    if (!json_is_object(object) || count > section->max)
        return fail(why, RC_FORMAT,
                    "\"%s\" is missing, not an object, or has too many members",
                    section->name);
    for (size_t i = 0; i < count; i++) {
        const char *name;
        struct json *member = json_at(object, i, &name);
        struct fault cause = {0};
        unsigned number;
        enum rc rc;

        if (!metadata_number(name, section->max, &number) || !json_is_object(member))
            return fail(why, RC_FORMAT, "\"%s\": a member that is not a numbered object",
                        section->name);
        if ((rc = section->read(header, number, member, &cause)) != RC_OK)
            return fail(why, rc, "%s %u: %s", section->one, number, cause.text);
    }
    return RC_OK;
}

/* 0 for a requirement that tells of no reencryption. */
static unsigned reencryption_version(const char *requirement)
{
    static const char *const versions[] = {"online-reencrypt", "online-reencrypt-v2",
                                           "online-reencrypt-v3"};

    for (unsigned i = 0; i < sizeof versions / sizeof *versions; i++)
        if (strcmp(requirement, versions[i]) == 0)
            return i + 1;
    return strncmp(requirement, "offline-reencrypt", 17) == 0 ||
                   strncmp(requirement, versions[0], strlen(versions[0])) == 0
               ? LUKS2_REENCRYPT_OTHER
               : 0;
}

static enum rc read_requirements(struct luks2 *header, const struct json *requirements,
                                 struct fault *why)
{
    struct json *mandatory = json_get(requirements, "mandatory");
    const char *none;

    if ((requirements && !json_is_object(requirements)) ||
        (mandatory && !json_is_array(mandatory)))
        return fail(why, RC_FORMAT, "config: bad requirements");
    for (size_t i = 0; i < json_count(mandatory); i++) {
        const char *requirement = json_string(json_at(mandatory, i, &none));

        if (!requirement)
            return fail(why, RC_FORMAT, "config: a requirement that is not a text");
        if (reencryption_version(requirement) == 0)
            header->requirement = requirement;
        else
            header->reencrypting = reencryption_version(requirement);
    }
    return RC_OK;
}

static bool all_strings(const struct json *array)
{
    const char *none;

    for (size_t i = 0; i < json_count(array); i++) {
        if (!json_string(json_at(array, i, &none)))
            return false;
    }
    return true;
}

static enum rc read_config(struct luks2 *header, struct fault *why)
{
    struct json *config = json_get(header->metadata, "config");
    struct json *flags = json_get(config, "flags");
    uint64_t json_size;

    if (!json_is_object(config))
        return fail(why, RC_FORMAT, "\"config\" is missing, or not an object");
    if (!json_decimal(json_get(config, "json_size"), UINT64_MAX, &json_size) ||
        json_size != header->copy_size - BINARY_SIZE)
        return fail(why, RC_FORMAT, "config: json_size is not that of the JSON area");
    if (!json_decimal(json_get(config, "keyslots_size"), LUKS2_KEYSLOTS_AREA_MAX,
                      &header->keyslots_size) ||
        header->keyslots_size % LUKS2_AREA_ALIGN != 0)
        return fail(why, RC_FORMAT, "config: a keyslots_size that cannot be right");
    if (flags && (!json_is_array(flags) || !all_strings(flags)))
        return fail(why, RC_FORMAT, "config: bad flags");
    return read_requirements(header, json_get(config, "requirements"), why);
}

/* Inside the keyslots area, and apart from the areas of the slots before it. */
static enum rc check_area(const struct luks2 *header, unsigned number, struct fault *why)
{
    const struct luks2_keyslot *slot = &header->keyslots[number];
    uint64_t start = 2 * (uint64_t)header->copy_size, end = start + header->keyslots_size;

    if (slot->area_offset < start || slot->area_offset > end ||
        slot->area_size > end - slot->area_offset)
        return fail(why, RC_FORMAT, "keyslot %u: its area is not inside the keyslots area",
                    number);
    for (unsigned i = 0; i < number; i++) {
        const struct luks2_keyslot *other = &header->keyslots[i];

        if (other->present && other->area_offset < slot->area_offset + slot->area_size &&
            slot->area_offset < other->area_offset + other->area_size)
            return fail(why, RC_FORMAT, "keyslot %u: its area overlaps that of keyslot %u",
                        number, i);
    }
    return RC_OK;
}

/*
 * HMAC pads keys with zeros, so a digest alone does not tell a key from a shorter one: all
 * slots of a digest must hold keys of one length.
 */
static bool same_key_size(const struct luks2 *header, const struct luks2_digest *digest)
{
    uint32_t size = 0;

    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++) {
        const struct luks2_keyslot *slot = &header->keyslots[i];

        if (!(digest->keyslots >> i & 1) || strcmp(slot->type, "luks2") != 0)
            continue;
        if (size != 0 && slot->key_size != size)
            return false;
        size = slot->key_size;
    }
    return true;
}

/* Every slot of our own type has exactly one digest; others have one at most. */
static enum rc check_keyslots(const struct luks2 *header, struct fault *why)
{
    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++) {
        const struct luks2_keyslot *slot = &header->keyslots[i];
        unsigned digests = 0;
        enum rc rc;

        if (!slot->present)
            continue;
        if ((rc = check_area(header, i, why)) != RC_OK)
            return rc;
        for (unsigned d = 0; d < LUKS2_DIGESTS_MAX; d++)
            digests += header->digests[d].keyslots >> i & 1;
        if (digests > 1 || (digests == 0 && strcmp(slot->type, "luks2") == 0))
            return fail(why, RC_FORMAT, "keyslot %u: has %u digests", i, digests);
    }
    return RC_OK;
}

static uint32_t present_keyslots(const struct luks2 *header)
{
    uint32_t bits = 0;

    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++)
        bits |= (uint32_t)header->keyslots[i].present << i;
    return bits;
}

static uint32_t present_segments(const struct luks2 *header)
{
    uint32_t bits = 0;

    for (unsigned i = 0; i < LUKS2_SEGMENTS_MAX; i++)
        bits |= (uint32_t)header->segments[i].present << i;
    return bits;
}

/* What digests and tokens refer to is there. */
static enum rc check_references(const struct luks2 *header, struct fault *why)
{
    uint32_t keyslots = present_keyslots(header), segments = present_segments(header);

    for (unsigned i = 0; i < LUKS2_DIGESTS_MAX; i++) {
        if ((header->digests[i].keyslots & ~keyslots) != 0 ||
            (header->digests[i].segments & ~segments) != 0)
            return fail(why, RC_FORMAT,
                        "digest %u: names a keyslot or segment that is not there", i);
        if (!same_key_size(header, &header->digests[i]))
            return fail(why, RC_FORMAT, "digest %u: its keyslots hold keys of several sizes",
                        i);
    }
    for (unsigned i = 0; i < LUKS2_TOKENS_MAX; i++) {
        if ((header->tokens[i].keyslots & ~keyslots) != 0)
            return fail(why, RC_FORMAT, "token %u: names a keyslot that is not there", i);
    }
    return RC_OK;
}

/*
 * Numbered without a gap; those that are backups come last; none begins within the header's own
 * areas, but where data are on their way to a device without a header.
 */
static enum rc check_segments(const struct luks2 *header, struct fault *why)
{
    uint64_t data = luks2_total_size(header);
    uint32_t bits = present_segments(header);
    bool backup = false;

    if (bits == 0 || (bits & (bits + 1)) != 0)
        return fail(why, RC_FORMAT, "there is no segment, or a number is left out");
    for (unsigned i = 0; i < LUKS2_SEGMENTS_MAX && header->segments[i].present; i++) {
        const struct luks2_segment *segment = &header->segments[i];

        if (backup && !segment->backup)
            return fail(why, RC_FORMAT, "segment %u: follows a backup segment", i);
        if (i == 0 && segment->backup)
            return fail(why, RC_FORMAT, "segment 0: is a backup segment");
        if (segment->offset != 0 && segment->offset < data && !segment->backup &&
            !header->reencrypting)
            return fail(why, RC_FORMAT, "segment %u: begins inside the header", i);
        backup = segment->backup;
    }
    return RC_OK;
}

static void reset(struct luks2 *header)
{
    memset(header->keyslots, 0, sizeof header->keyslots);
    memset(header->segments, 0, sizeof header->segments);
    memset(header->digests, 0, sizeof header->digests);
    memset(header->tokens, 0, sizeof header->tokens);
    header->requirement = NULL;
    header->reencrypting = 0;
}

enum rc metadata_refresh(struct luks2 *header, struct fault *why)
{
    enum rc rc;

    reset(header);
    if ((rc = read_config(header, why)) != RC_OK)
        return rc;
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        if ((rc = read_section(header, &sections[i], why)) != RC_OK)
            return rc;
    }
    if ((rc = check_references(header, why)) || (rc = check_keyslots(header, why)))
        return rc;
    return check_segments(header, why);
}

enum rc metadata_parse(struct luks2 *header, struct span area, struct fault *why)
{
    size_t len = span_find(area, 0);
    enum rc rc;

    if (len == area.len || area.at[0] != '{')
        return fail(why, RC_FORMAT, "the JSON area does not begin or end as it must");
    for (size_t i = len; i < area.len; i++) {
        if (area.at[i] != 0)
            return fail(why, RC_FORMAT, "offset %zu: bytes behind the end of the JSON text",
                        BINARY_SIZE + i);
    }
    if ((rc = json_parse(&header->metadata, span_of(area.at, len), why)) != RC_OK)
        return rc;
    return metadata_refresh(header, why);
}
