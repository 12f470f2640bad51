/* One zone after another. */
#include <stdlib.h>
#include <sys/mman.h>

#include "keep/reencrypt/engine.h"
#include "keep/reencrypt/work.h"

enum { WRITE_RUN = 8 << 20 };

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The next one: data that were moved are one zone, and the last. */
static void choose(const struct reencrypt *e, uint64_t *start, uint64_t *len)
{
    const struct reencryption_progress *p = &e->progress;
    uint64_t moved = e->plan.moved;
    uint64_t end = p->from == p->to ? e->size : p->from;
    uint64_t next = p->from == p->to ? moved : p->to;

    if (e->plan.backward && end > moved) {
        *len = least(e->zone_size, end - moved);
        *start = end - *len;
    } else if (!e->plan.backward && next < e->size) {
        *len = least(e->zone_size, e->size - next);
        *start = next;
    } else {
        *start = 0;
        *len = moved;
    }
}

static enum rc get_room(struct reencrypt *e, uint64_t len, struct fault *why)
{
    const struct reencryption *plan = &e->plan;

    if (e->zone_room < len) {
        if (e->zone) {
            wipe(e->zone, e->zone_room);
            munmap(e->zone, e->zone_room);
        }
        e->zone = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        e->zone_room = e->zone == MAP_FAILED ? 0 : len;
        if (e->zone == MAP_FAILED) {
            e->zone = NULL;
            return fail(why, RC_MEMORY,
                        "no memory for a zone; --hotzone-size makes it smaller");
        }
        mlock(e->zone, len); /* where it is permitted */
        madvise(e->zone, len, MADV_DONTDUMP);
    }
    if (plan->guard == REENCRYPTION_CHECKSUM && !e->sums)
        e->sums = malloc(plan->area_size);
    return plan->guard == REENCRYPTION_CHECKSUM && !e->sums
               ? fail(why, RC_MEMORY, "no memory for checksums")
               : RC_OK;
}

static enum rc take_sums(struct reencrypt *e, const uint8_t *at, uint64_t in_zone, size_t len,
                         struct fault *why)
{
    uint32_t block = e->plan.block;
    enum rc rc = RC_OK;

    for (size_t done = 0; done < len && rc == RC_OK; done += block)
        rc = engine_sum(e, at + done, least(block, len - done),
                        e->sums + (in_zone + done) / block * e->plan.hash->size, why);
    return rc;
}

/* Read, guarded and turned, in memory. */
static enum rc turn_chunk(void *of, size_t index, struct fault *why)
{
    struct reencrypt *e = of;
    const struct reencryption_progress *p = &e->progress;
    uint64_t in_zone = (uint64_t)index * ENGINE_CHUNK, start = p->hot + in_zone;
    size_t len = (size_t)least(ENGINE_CHUNK, p->hot_len - in_zone);
    bool stays = !engine_moves(e, p->hot);
    uint8_t *at = e->zone + in_zone;
    enum rc rc = device_read(e->task.data, engine_place(e, start, false), at, len, why);

    if (rc == RC_OK && stays && e->plan.guard == REENCRYPTION_CHECKSUM)
        rc = take_sums(e, at, in_zone, len, why);
    if (rc == RC_OK && stays && e->plan.guard == REENCRYPTION_JOURNAL)
        rc = device_write(e->task.header_device, e->plan.area_offset + in_zone, at, len, why);
    return rc == RC_OK ? engine_turn(e, start, at, len, false, why) : rc;
}

/* What would make the zone whole again is last from here on; and then it may be hot. */
static enum rc announce(struct reencrypt *e, struct fault *why)
{
    const struct reencryption *plan = &e->plan;
    struct device *device = e->task.header_device;
    bool guarded = !engine_moves(e, e->progress.hot) && plan->guard != REENCRYPTION_NONE;
    enum rc rc = RC_OK;

    if (guarded && plan->guard == REENCRYPTION_CHECKSUM)
        rc = device_write(device, plan->area_offset, e->sums,
                          (size_t)((e->progress.hot_len + plan->block - 1) / plan->block) *
                              plan->hash->size,
                          why);
    if (rc == RC_OK && guarded)
        rc = device_flush(device, why);
    if (rc == RC_OK)
        rc = reencryption_progress_put(e->task.header, plan, e->size, &e->progress, why);
    return rc == RC_OK ? luks2_write(e->task.header, device, why) : rc;
}

static enum rc write_zone(struct reencrypt *e, struct fault *why)
{
    uint64_t place = engine_place(e, e->progress.hot, true);
    enum rc rc = RC_OK;

    for (uint64_t done = 0; done < e->progress.hot_len && rc == RC_OK; done += WRITE_RUN)
        rc = device_write(e->task.data, place + done, e->zone + done,
                          (size_t)least(WRITE_RUN, e->progress.hot_len - done), why);
    return rc == RC_OK ? device_flush(e->task.data, why) : rc;
}

enum rc reencrypt_step(struct reencrypt *e, struct fault *why)
{
    struct reencryption_progress *p = &e->progress;
    enum rc rc;

    if (p->done)
        return RC_END;
    choose(e, &p->hot, &p->hot_len);
    if ((rc = get_room(e, p->hot_len, why)) ||
        (rc = work_all(turn_chunk, e, (size_t)((p->hot_len + ENGINE_CHUNK - 1) / ENGINE_CHUNK),
                       why)) ||
        (rc = announce(e, why)) || (rc = write_zone(e, why)))
        return rc;
    return engine_zone_done(e, why);
}
