/*
 * A header comes to stand where data stand. Those are copied behind all others first, and the header
 * that is to come as well. Then one sector says so: from here on the copy counts. The header is
 * written to the front; and then that sector is wiped.
 *
 *     data (size) | the header to come, the record | the first data, moved
 *                 ^ at the shift, where there are less data than that
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "crypto/cipher.h"
#include "crypto/equal.h"
#include "crypto/random.h"
#include "keep/reencrypt/begin.h"
#include "vault/header/keyslot.h"

enum { RECORD = 512, RECORD_ROOM = 4096, SUM = 32, RUN = 1 << 20 };

static const uint8_t magic[16] = "keep begins 001";

/* Where everything is, for a room. */
struct layout {
    uint64_t size, shift;
    uint64_t staged; /* the header to come */
    uint64_t record;
    uint64_t moved_at, moved;
};

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static struct layout lay_out(const struct begin_room *room)
{
    uint64_t staged = room->size > room->shift ? room->size : room->shift;

    return (struct layout){.size = room->size,
                           .shift = room->shift,
                           .staged = staged,
                           .record = staged + room->shift - RECORD_ROOM,
                           .moved_at = staged + room->shift,
                           .moved = least(room->size, room->shift)};
}

uint64_t begin_room_size(const struct begin_room *room)
{
    struct layout l = lay_out(room);

    return l.moved_at + l.moved;
}

/* ---- the record: magic, state, size of the data, shift, used bytes of the header, their sum,
 * its own sum ---- */

enum state { UNDECIDED = 1, DECIDED = 2 };

struct record {
    enum state state;
    struct begin_room room;
    uint64_t used; /* bytes of the header to come that are not noise */
    uint8_t sum[SUM];
};

enum {
    STATE_AT = 16,
    SIZE_AT = 24,
    SHIFT_AT = 32,
    USED_AT = 40,
    SUM_AT = 48,
    OWN_SUM_AT = 80
};

static enum rc sum_of(const uint8_t *at, size_t len, uint8_t sum[SUM], struct fault *why)
{
    struct span bytes = span_of(at, len);

    return hash_compute(hash_find("sha256"), &bytes, 1, sum, why);
}

static enum rc write_record(struct device *data, uint64_t at, const struct record *record,
                            struct fault *why)
{
    uint8_t sector[RECORD] = {0};
    enum rc rc;

    memcpy(sector, magic, sizeof magic);
    be64_put(sector + STATE_AT, record->state);
    be64_put(sector + SIZE_AT, record->room.size);
    be64_put(sector + SHIFT_AT, record->room.shift);
    be64_put(sector + USED_AT, record->used);
    memcpy(sector + SUM_AT, record->sum, SUM);
    if ((rc = sum_of(sector, OWN_SUM_AT, sector + OWN_SUM_AT, why)) ||
        (rc = device_write(data, at, sector, sizeof sector, why)))
        return rc;
    return device_flush(data, why);
}

static enum rc wipe_record(struct device *data, uint64_t at, struct fault *why)
{
    static const uint8_t nothing[RECORD];
    enum rc rc = device_write(data, at, nothing, sizeof nothing, why);

    return rc == RC_OK ? device_flush(data, why) : rc;
}

enum rc begin_mark(struct device *data, const struct begin_room *room, struct fault *why)
{
    struct record record = {.state = UNDECIDED, .room = *room};

    return write_record(data, lay_out(room).record, &record, why);
}

/* *found only where all of it is right, and it stands where it belongs. */
static enum rc read_record(struct device *data, uint64_t at, struct record *record,
                           bool *found, struct fault *why)
{
    uint8_t sector[RECORD], sum[SUM];
    enum rc rc;

    *found = false;
    if (at > data->size || data->size - at < RECORD)
        return RC_OK;
    if ((rc = device_read(data, at, sector, sizeof sector, why)) ||
        (rc = sum_of(sector, OWN_SUM_AT, sum, why)))
        return rc;
    if (memcmp(sector, magic, sizeof magic) != 0 || memcmp(sector + OWN_SUM_AT, sum, SUM) != 0)
        return RC_OK;
    *record = (struct record){
        .state = (enum state)be64_get(sector + STATE_AT),
        .room = {.size = be64_get(sector + SIZE_AT), .shift = be64_get(sector + SHIFT_AT)},
        .used = be64_get(sector + USED_AT)};
    memcpy(record->sum, sector + SUM_AT, SUM);
    *found = record->room.size > 0 && record->room.size < UINT64_MAX / 4 &&
             record->room.shift > RECORD_ROOM &&
             record->room.shift <= REENCRYPTION_SHIFT_MAX &&
             record->used <= record->room.shift - RECORD_ROOM &&
             lay_out(&record->room).record == at &&
             (record->state == UNDECIDED || record->state == DECIDED);
    return RC_OK;
}

/* ---- the deciding step, and all that follows it ---- */

/* The rest of the header's room gets noise: plain data stood there. */
static enum rc write_noise(struct device *data, uint64_t from, uint64_t to, struct fault *why)
{
    uint8_t *run = malloc(RUN);
    enum rc rc = run ? RC_OK : fail(why, RC_MEMORY, "no memory to wipe what was moved");

    for (uint64_t at = from; at < to && rc == RC_OK; at += RUN) {
        size_t len = (size_t)least(RUN, to - at);

        if ((rc = random_bytes(run, len, why)) == RC_OK)
            rc = device_write(data, at, run, len, why);
    }
    free(run);
    return rc;
}

static enum rc complete(struct device *data, const struct layout *l, const uint8_t *header,
                        uint64_t used, struct fault *why)
{
    enum rc rc;

    if ((rc = device_write(data, 0, header, (size_t)used, why)) ||
        (rc = write_noise(data, used, l->shift, why)) || (rc = device_flush(data, why)))
        return rc;
    return wipe_record(data, l->record, why);
}

static enum rc copy_front(struct device *data, const struct layout *l, struct fault *why)
{
    uint8_t *run = malloc(RUN);
    enum rc rc = run ? RC_OK : fail(why, RC_MEMORY, "no memory to move data");

    for (uint64_t done = 0; done < l->moved && rc == RC_OK; done += RUN) {
        size_t len = (size_t)least(RUN, l->moved - done);

        if ((rc = device_read(data, done, run, len, why)) == RC_OK)
            rc = device_write(data, l->moved_at + done, run, len, why);
    }
    if (run)
        wipe(run, RUN);
    free(run);
    return rc;
}

/* Bytes of the header that are more than room for keys to come. */
static uint64_t used_bytes(const struct luks2 *header)
{
    uint64_t used = 2 * (uint64_t)header->copy_size;

    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++) {
        const struct luks2_keyslot *slot = &header->keyslots[i];

        if (slot->present && slot->area_offset + slot->area_size > used)
            used = slot->area_offset + slot->area_size;
    }
    return used;
}

static enum rc decide(struct device *made, struct device *data, const struct layout *l,
                      const struct begin_room *room, uint64_t used, struct fault *why)
{
    struct record record = {.state = DECIDED, .room = *room, .used = used};
    uint8_t *header = malloc((size_t)used);
    enum rc rc = header ? RC_OK : fail(why, RC_MEMORY, "no memory for a header");

    if (rc == RC_OK && (rc = begin_mark(data, room, why)) == RC_OK &&
        (rc = copy_front(data, l, why)) == RC_OK &&
        (rc = device_read(made, 0, header, (size_t)used, why)) == RC_OK &&
        (rc = sum_of(header, (size_t)used, record.sum, why)) == RC_OK &&
        (rc = device_write(data, l->staged, header, (size_t)used, why)) == RC_OK &&
        (rc = device_flush(data, why)) == RC_OK &&
        (rc = write_record(data, l->record, &record, why)) == RC_OK)
        rc = complete(data, l, header, used, why);
    free(header);
    return rc;
}

enum rc begin_shift_out(struct luks2 *header, struct device *made, struct device *data,
                        const struct begin_room *room, const struct secret *key,
                        struct fault *why)
{
    struct layout l = lay_out(room);
    struct reencryption plan = {.mode = REENCRYPTION_ENCRYPT,
                                .backward = true,
                                .shift = room->shift,
                                .moved = l.moved,
                                .moved_at = l.moved_at,
                                .size = room->size,
                                .area_size = LUKS2_AREA_ALIGN};
    uint64_t gap;
    enum rc rc;

    plan.previous =
        (struct reencryption_side){.sector_size = CIPHER_SECTOR, .digest = DIGEST_NONE};
    keyslot_find_gap(header, &plan.area_offset, &gap);
    if ((rc = reencryption_side_of_segment(header, 0, &plan.final, why)) ||
        (rc = reencryption_begin(header, &plan, room->size, NULL, key, why)) ||
        (rc = luks2_write(header, made, why)))
        return rc;
    if (plan.final.offset != room->shift || used_bytes(header) > room->shift - RECORD_ROOM)
        return fail(why, RC_LIMIT, "the header has no room for a beginning");
    return decide(made, data, &l, room, used_bytes(header), why);
}

/* ---- a beginning that was cut short ---- */

/* Each sector at the front is what was there, or what was to come there. */
static enum rc check_front(struct device *data, const struct layout *l, const uint8_t *header,
                           uint64_t used, struct fault *why)
{
    uint64_t len = least(used, l->moved);
    uint8_t *front = malloc((size_t)len), *moved = malloc((size_t)len);
    enum rc rc =
        front && moved ? RC_OK : fail(why, RC_MEMORY, "no memory to look at a header");

    if (rc == RC_OK)
        rc = device_read(data, 0, front, (size_t)len, why);
    if (rc == RC_OK)
        rc = device_read(data, l->moved_at, moved, (size_t)len, why);
    for (uint64_t at = 0; at < len && rc == RC_OK; at += RECORD) {
        size_t part = (size_t)least(RECORD, len - at);

        if (memcmp(front + at, moved + at, part) != 0 &&
            memcmp(front + at, header + at, part) != 0)
            rc = fail(why, RC_FORMAT,
                      "its encryption was begun and cut short, and it was changed since, at "
                      "%" PRIu64 ": what it held before stands at %" PRIu64,
                      at, l->moved_at);
    }
    free(front);
    free(moved);
    return rc;
}

static enum rc take_up(struct device *data, const struct record *record, struct fault *why)
{
    struct layout l = lay_out(&record->room);
    uint8_t *header = malloc((size_t)record->used), sum[SUM] = {0};
    enum rc rc = header ? RC_OK : fail(why, RC_MEMORY, "no memory for a header");

    if (rc == RC_OK)
        rc = device_read(data, l.staged, header, (size_t)record->used, why);
    if (rc == RC_OK)
        rc = sum_of(header, (size_t)record->used, sum, why);
    if (rc == RC_OK && memcmp(sum, record->sum, SUM) != 0)
        rc = fail(why, RC_FORMAT,
                  "its encryption was begun and cut short, and it was changed since");
    if (rc == RC_OK)
        rc = check_front(data, &l, header, record->used, why);
    if (rc == RC_OK)
        rc = complete(data, &l, header, record->used, why);
    free(header);
    return rc;
}

/* Where the record stands in a device of this size, or in a file that had not grown further. */
static enum rc find_record(struct device *data, uint64_t shift, struct record *record,
                           bool *found, struct fault *why)
{
    uint64_t size = data->size - data->size % RECORD_ROOM;
    struct begin_room room = {.size = size > 2 * shift ? size - 2 * shift : 0, .shift = shift};
    enum rc rc = RC_OK;

    *found = false;
    if (room.size > 0)
        rc = read_record(data, lay_out(&room).record, record, found, why);
    if (rc == RC_OK && !*found && data->size >= RECORD)
        rc = read_record(data, data->size - RECORD, record, found, why);
    return rc;
}

enum rc begin_look(struct device *data, uint64_t shift, enum begin_state *state,
                   struct begin_room *room, struct fault *why)
{
    struct record record;
    bool found;
    enum rc rc = find_record(data, shift, &record, &found, why);

    *state = BEGIN_NOTHING;
    if (rc != RC_OK || !found)
        return rc;
    *room = record.room;
    *state = record.state == DECIDED ? BEGIN_COMPLETED : BEGIN_UNDECIDED;
    return record.state == DECIDED ? take_up(data, &record, why) : RC_OK;
}
