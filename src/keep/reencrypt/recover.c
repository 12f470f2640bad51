/*
 * A zone that was cut short. Where its bytes were on their way to another place, they still stand
 * where they came from. Where they were changed in place, the journal has those of before; or
 * checksums of their blocks tell, for any mixture of old and new sectors, when we have put the
 * old block together again.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "keep/reencrypt/engine.h"

enum { UNIT = 512, UNITS_ALL = 8 /* of so many, every mixture is tried */ };

static_assert(REENCRYPTION_BLOCK_MAX / UNIT <= 64, "a mixture is a number");

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* One block, as it stands there and as it would have stood before, had it been written whole. */
struct block {
    const uint8_t *there;
    uint8_t *before, *mixed;
    size_t len;
    const uint8_t *sum; /* of what stood there before */
};

static bool is_old(const struct reencrypt *e, const struct block *b, const uint8_t *at)
{
    uint8_t sum[HASH_SIZE_MAX];

    return engine_sum(e, at, b->len, sum, NULL) == RC_OK &&
           memcmp(sum, b->sum, e->plan.hash->size) == 0;
}

/* Bit n: sector n is a new one. */
static bool is_mixture(const struct reencrypt *e, const struct block *b, uint64_t bits)
{
    for (size_t i = 0; i < b->len / UNIT; i++)
        memcpy(b->mixed + i * UNIT, (bits >> i & 1 ? b->before : b->there) + i * UNIT, UNIT);
    return is_old(e, b, b->mixed);
}

/* Old, new, the first or the last sectors new, and then anything. */
static bool find_mixture(const struct reencrypt *e, const struct block *b)
{
    size_t units = b->len / UNIT;
    uint64_t all = units < 64 ? (UINT64_C(1) << units) - 1 : UINT64_MAX;

    if (is_mixture(e, b, 0) || is_mixture(e, b, all))
        return true;
    for (size_t i = 1; i < units; i++)
        if (is_mixture(e, b, all >> i) || is_mixture(e, b, all << i & all))
            return true;
    for (uint64_t bits = 1; units <= UNITS_ALL && bits < all; bits++)
        if (is_mixture(e, b, bits))
            return true;
    return false;
}

static enum rc mend_block(struct reencrypt *e, uint64_t start, uint8_t *at, uint8_t *room,
                          size_t len, const uint8_t *sum, struct fault *why)
{
    struct block b = {
        .there = at, .before = room, .mixed = room + len, .len = len, .sum = sum};
    enum rc rc;

    memcpy(b.before, at, len);
    if ((rc = engine_turn(e, start, b.before, len, true, why)) != RC_OK)
        return rc;
    if (!find_mixture(e, &b))
        return fail(why, RC_FORMAT,
                    "the data at %" PRIu64 " (%zu bytes) are neither what they were nor what "
                    "they were to become",
                    engine_place(e, start, true), len);
    memcpy(at, b.mixed, len);
    return RC_OK;
}

static enum rc mend_chunk(struct reencrypt *e, uint64_t in_zone, uint8_t *at, size_t len,
                          struct fault *why)
{
    size_t block = e->plan.block, size = e->plan.hash->size;
    size_t sums_len = (len + block - 1) / block * size;
    uint8_t *sums = malloc(sums_len), *room = malloc(2 * block);
    enum rc rc = sums && room ? RC_OK : fail(why, RC_MEMORY, "no memory to recover a zone");

    if (rc == RC_OK)
        rc = device_read(e->task.header_device, e->plan.area_offset + in_zone / block * size,
                         sums, sums_len, why);
    for (size_t done = 0; done < len && rc == RC_OK; done += block)
        rc = mend_block(e, e->progress.hot + in_zone + done, at + done, room,
                        (size_t)least(block, len - done), sums + done / block * size, why);
    if (room)
        wipe(room, 2 * block);
    free(room);
    free(sums);
    return rc;
}

/* The bytes of before. */
static enum rc read_old(struct reencrypt *e, uint64_t in_zone, uint8_t *at, size_t len,
                        struct fault *why)
{
    const struct reencryption_progress *p = &e->progress;
    uint64_t place = engine_place(e, p->hot + in_zone, true);
    enum rc rc;

    if (engine_moves(e, p->hot))
        return device_read(e->task.data, engine_place(e, p->hot + in_zone, false), at, len,
                           why);
    if (e->plan.guard == REENCRYPTION_JOURNAL)
        return device_read(e->task.header_device, e->plan.area_offset + in_zone, at, len, why);
    rc = device_read(e->task.data, place, at, len, why);
    return rc == RC_OK ? mend_chunk(e, in_zone, at, len, why) : rc;
}

static enum rc recover_chunk(struct reencrypt *e, uint64_t in_zone, uint8_t *at, size_t len,
                             struct fault *why)
{
    uint64_t start = e->progress.hot + in_zone;
    enum rc rc;

    if ((rc = read_old(e, in_zone, at, len, why)) ||
        (rc = engine_turn(e, start, at, len, false, why)))
        return rc;
    return device_write(e->task.data, engine_place(e, start, true), at, len, why);
}

/* A zone of another program's may be greater than any of ours. */
static enum rc check_zone(const struct reencrypt *e, struct fault *why)
{
    const struct reencryption *plan = &e->plan;
    uint64_t start = e->progress.hot, len = e->progress.hot_len;
    bool fits = true;

    if (engine_moves(e, start))
        fits = len <= plan->shift;
    else if (plan->guard == REENCRYPTION_CHECKSUM)
        fits = start % plan->block == 0 &&
               (len + plan->block - 1) / plan->block <= plan->area_size / plan->hash->size;
    else if (plan->guard == REENCRYPTION_JOURNAL)
        fits = len <= plan->area_size;
    else
        return fail(why, RC_FORMAT,
                    "it was cut short at %" PRIu64 " (%" PRIu64
                    " bytes) with resilience \"none\", and nothing can tell old data from new "
                    "there: restore these from a backup",
                    engine_place(e, start, true), len);
    return fits ? RC_OK
                : fail(why, RC_FORMAT, "the zone that was cut short is none of its kind");
}

enum rc reencrypt_recover(struct reencrypt *e, struct fault *why)
{
    uint64_t len = e->progress.hot_len;
    uint8_t *chunk;
    enum rc rc;

    if (len == 0)
        return RC_OK;
    if ((rc = check_zone(e, why)) != RC_OK)
        return rc;
    if (!(chunk = malloc(ENGINE_CHUNK)))
        return fail(why, RC_MEMORY, "no memory to recover a zone");
    for (uint64_t done = 0; done < len && rc == RC_OK; done += ENGINE_CHUNK)
        rc = recover_chunk(e, done, chunk, (size_t)least(ENGINE_CHUNK, len - done), why);
    wipe(chunk, ENGINE_CHUNK);
    free(chunk);
    if (rc != RC_OK || (rc = device_flush(e->task.data, why)) != RC_OK)
        return rc;
    return engine_zone_done(e, why);
}
