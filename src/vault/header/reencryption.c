#include "vault/header/reencryption.h"

#include <stdio.h>
#include <string.h>

#include "codec/json.h"
#include "crypto/cipher.h"

/* What the keyslot's area may be called, and what that says. */
static const struct {
    const char *name;
    enum reencryption_guard guard;
    bool shifts;
} areas[] = {
    {"none", REENCRYPTION_NONE, false},
    {"checksum", REENCRYPTION_CHECKSUM, false},
    {"journal", REENCRYPTION_JOURNAL, false},
    {"datashift", REENCRYPTION_NONE, true},
    {"datashift-checksum", REENCRYPTION_CHECKSUM, true},
    {"datashift-journal", REENCRYPTION_JOURNAL, true},
};

static const char *const modes[] = {"encrypt", "reencrypt", "decrypt"};

const char *reencryption_mode_name(enum reencryption_mode mode)
{
    return modes[mode];
}

static bool is(const char *text, const char *word)
{
    return text && strcmp(text, word) == 0;
}

static int find_keyslot(const struct luks2 *header)
{
    for (int i = 0; i < LUKS2_KEYSLOTS_MAX; i++)
        if (header->keyslots[i].present && is(header->keyslots[i].type, "reencrypt"))
            return i;
    return -1;
}

static const struct luks2_segment *find_role(const struct luks2 *header, enum luks2_role role)
{
    for (unsigned i = 0; i < LUKS2_SEGMENTS_MAX; i++)
        if (header->segments[i].present && header->segments[i].role == role)
            return &header->segments[i];
    return NULL;
}

static enum rc read_checksum(struct reencryption *r, const struct json *area,
                             struct fault *why)
{
    const char *hash = json_string(json_get(area, "hash"));
    uint64_t block;

    if (!hash || !json_number(json_get(area, "sector_size"), REENCRYPTION_BLOCK_MAX, &block) ||
        block < CIPHER_SECTOR || (block & (block - 1)) != 0)
        return fail(why, RC_FORMAT, "bad checksums");
    if (!(r->hash = hash_find(hash)))
        return fail(why, RC_UNSUPPORTED, "checksums by the hash \"%s\" are not known", hash);
    r->block = (uint32_t)block;
    return RC_OK;
}

static enum rc read_area(struct reencryption *r, const struct json *area, struct fault *why)
{
    const char *type = json_string(json_get(area, "type"));
    size_t i = 0;

    while (i < sizeof areas / sizeof *areas && !is(type, areas[i].name))
        i++;
    if (i == sizeof areas / sizeof *areas)
        return fail(why, RC_UNSUPPORTED, "its resilience is not known");
    r->guard = areas[i].guard;
    if (areas[i].shifts &&
        (!json_decimal(json_get(area, "shift_size"), REENCRYPTION_SHIFT_MAX, &r->shift) ||
         r->shift == 0 || r->shift % CIPHER_SECTOR_MAX != 0))
        return fail(why, RC_UNSUPPORTED, "a shift of this size is not known");
    return r->guard == REENCRYPTION_CHECKSUM ? read_checksum(r, area, why) : RC_OK;
}

static enum rc read_keyslot(const struct luks2 *header, struct reencryption *r,
                            struct fault *why)
{
    int number = find_keyslot(header);
    struct json *slot;
    const char *mode, *direction;
    char name[12];

    if (number < 0)
        return fail(why, RC_FORMAT, "no keyslot tells how");
    snprintf(name, sizeof name, "%d", number);
    slot = json_get(json_get(header->metadata, "keyslots"), name);
    mode = json_string(json_get(slot, "mode"));
    direction = json_string(json_get(slot, "direction"));
    if (!mode || (!is(direction, "forward") && !is(direction, "backward")))
        return fail(why, RC_FORMAT, "keyslot %d: bad mode or direction", number);
    while (r->mode <= REENCRYPTION_DECRYPT && !is(mode, modes[r->mode]))
        r->mode++;
    if (r->mode > REENCRYPTION_DECRYPT)
        return fail(why, RC_FORMAT, "keyslot %d: bad mode", number);
    r->backward = is(direction, "backward");
    r->keyslot = (unsigned)number;
    r->area_offset = header->keyslots[number].area_offset;
    r->area_size = header->keyslots[number].area_size;
    return read_area(r, json_get(slot, "area"), why);
}

enum rc reencryption_side_of_segment(const struct luks2 *header, unsigned number,
                                     struct reencryption_side *side, struct fault *why)
{
    const struct luks2_segment *segment = &header->segments[number];

    *side = (struct reencryption_side){.offset = segment->offset,
                                       .iv_tweak = segment->iv_tweak,
                                       .sector_size = CIPHER_SECTOR,
                                       .digest = DIGEST_NONE};
    if (is(segment->type, "linear"))
        return RC_OK;
    if (!is(segment->type, "crypt") || segment->integrity)
        return fail(why, RC_UNSUPPORTED, "segments of this type are not known");
    if (!cipher_find(segment->encryption) ||
        strlen(segment->encryption) >= sizeof side->encryption)
        return fail(why, RC_UNSUPPORTED, "the cipher \"%s\" is not known here",
                    segment->encryption);
    side->encrypted = true;
    side->sector_size = segment->sector_size;
    strcpy(side->encryption, segment->encryption);
    side->digest = digest_of_segment(header, number);
    return side->digest == DIGEST_NONE
               ? fail(why, RC_FORMAT, "no digest belongs to segment %u", number)
               : RC_OK;
}

static enum rc read_sides(const struct luks2 *header, struct reencryption *r,
                          struct fault *why)
{
    const struct luks2_segment *previous = find_role(header, LUKS2_PREVIOUS),
                               *final = find_role(header, LUKS2_FINAL),
                               *moved = find_role(header, LUKS2_MOVED);
    enum rc rc;

    if (!previous || !final)
        return fail(why, RC_FORMAT, "backup segments are missing");
    if ((rc = reencryption_side_of_segment(header, (unsigned)(previous - header->segments),
                                           &r->previous, why)) ||
        (rc = reencryption_side_of_segment(header, (unsigned)(final - header->segments),
                                           &r->final, why)))
        return rc;
    r->dynamic = previous->dynamic;
    r->size = previous->size;
    if (!moved)
        return RC_OK;
    r->moved = moved->size;
    r->moved_at = moved->offset;
    if (!is(moved->type, previous->type) || moved->dynamic || moved->size == 0 ||
        moved->iv_tweak != previous->iv_tweak)
        return fail(why, RC_FORMAT, "a bad segment that was moved");
    return RC_OK;
}

/* Ways to shift: out of the way of a header that comes or grows, and back over one that went. */
static bool shifts_well(const struct reencryption *r)
{
    if (r->mode == REENCRYPTION_REENCRYPT)
        return r->backward && r->moved == 0 &&
               r->final.offset == r->previous.offset + r->shift;
    if (r->moved == 0 || r->moved > r->shift || r->moved % r->previous.sector_size != 0 ||
        r->moved % r->final.sector_size != 0)
        return false;
    if (r->mode == REENCRYPTION_ENCRYPT)
        return r->backward && !r->dynamic && r->previous.offset == 0 &&
               r->final.offset == r->shift && r->moved <= r->size;
    return r->mode == REENCRYPTION_DECRYPT && !r->backward && r->final.offset == 0 &&
           r->previous.offset == r->shift && r->moved_at == 0;
}

static enum rc check(const struct reencryption *r, struct fault *why)
{
    if (r->previous.encrypted != (r->mode != REENCRYPTION_ENCRYPT) ||
        r->final.encrypted != (r->mode != REENCRYPTION_DECRYPT))
        return fail(why, RC_FORMAT, "its backup segments are not those of its mode");
    if (r->shift ? !shifts_well(r) : r->moved > 0 || r->previous.offset != r->final.offset)
        return fail(
            why, RC_UNSUPPORTED,
            "data that move in this way are not known here; finish it with cryptsetup");
    if (r->block > 0 &&
        (r->block % r->previous.sector_size != 0 || r->block % r->final.sector_size != 0))
        return fail(why, RC_FORMAT, "checksums of parts of sectors");
    return RC_OK;
}

enum rc reencryption_read(const struct luks2 *header, struct reencryption *r,
                          struct fault *why)
{
    struct fault cause = {0};
    enum rc rc;

    *r = (struct reencryption){.version = header->reencrypting};
    if (!header->reencrypting)
        return fail(why, RC_NOT_FOUND, "no reencryption was begun");
    if (header->requirement)
        return fail(why, RC_UNSUPPORTED,
                    "the header requires \"%s\", which is not known here; use a newer version",
                    header->requirement);
    if (header->reencrypting == LUKS2_REENCRYPT_OTHER)
        return fail(why, RC_UNSUPPORTED,
                    "a reencryption of another kind was begun; finish it with the cryptsetup "
                    "that began it");
    if ((rc = read_keyslot(header, r, &cause)) || (rc = read_sides(header, r, &cause)) ||
        (rc = check(r, &cause)))
        return fail(why, rc, "the reencryption that was begun: %s", cause.text);
    return RC_OK;
}
