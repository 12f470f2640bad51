#include "keep/reencrypt/engine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ZONE_DEFAULT = 64 << 20, MEMORY_SHARE = 8 };

bool engine_moves(const struct reencrypt *e, uint64_t start)
{
    return e->plan.shift > 0 &&
           (e->plan.mode == REENCRYPTION_ENCRYPT || start >= e->plan.moved);
}

uint64_t engine_place(const struct reencrypt *e, uint64_t start, bool final)
{
    if (final)
        return e->plan.final.offset + start;
    return (start < e->plan.moved ? e->plan.moved_at : e->plan.previous.offset) + start;
}

static uint64_t sector(const struct reencryption_side *side, uint64_t start)
{
    return side->iv_tweak + start / CIPHER_SECTOR;
}

enum rc engine_turn(struct reencrypt *e, uint64_t start, uint8_t *at, size_t len, bool back,
                    struct fault *why)
{
    const struct reencryption_side *from = back ? &e->plan.final : &e->plan.previous;
    const struct reencryption_side *to = back ? &e->plan.previous : &e->plan.final;
    struct cipher *decrypt = back ? e->final : e->previous;
    struct cipher *encrypt = back ? e->previous : e->final;
    enum rc rc = RC_OK;

    if (decrypt)
        rc = cipher_decrypt(decrypt, sector(from, start), at, at, len, why);
    if (rc == RC_OK && encrypt)
        rc = cipher_encrypt(encrypt, sector(to, start), at, at, len, why);
    return rc;
}

enum rc engine_sum(const struct reencrypt *e, const uint8_t *at, size_t len, uint8_t *sum,
                   struct fault *why)
{
    struct span block = span_of(at, len);

    return hash_compute(e->plan.hash, &block, 1, sum, why);
}

enum rc engine_zone_done(struct reencrypt *e, struct fault *why)
{
    struct reencryption_progress *p = &e->progress;
    uint64_t end = p->hot + p->hot_len;
    enum rc rc;

    if (p->from == p->to) {
        p->from = p->hot;
        p->to = end;
    } else {
        p->from = p->hot < p->from ? p->hot : p->from;
        p->to = end > p->to ? end : p->to;
    }
    p->done = p->from == 0 && p->to == e->size;
    p->hot = p->hot_len = 0;
    if (p->done && engine_ends_at_once(e))
        return engine_end(e, why);
    rc = reencryption_progress_put(e->task.header, &e->plan, e->size, p, why);
    return rc == RC_OK ? luks2_write(e->task.header, e->task.header_device, why) : rc;
}

/* ---- opening: every place is checked once, here ---- */

static uint32_t grain(const struct reencryption *plan)
{
    uint32_t least = plan->previous.sector_size > plan->final.sector_size
                         ? plan->previous.sector_size
                         : plan->final.sector_size;

    return plan->block > least ? plan->block : least;
}

/* Nothing is written but behind the header; data that wait are not written over. */
static enum rc check_places(const struct reencrypt *e, struct fault *why)
{
    const struct reencryption *plan = &e->plan;
    uint64_t end = plan->final.offset + e->size, last = e->task.data->size;

    if (e->task.data == e->task.header_device &&
        plan->final.offset < luks2_total_size(e->task.header))
        return fail(why, RC_FORMAT, "its data would be written over the header");
    if (e->progress.done)
        return RC_OK;
    if (plan->moved > 0 && plan->mode == REENCRYPTION_ENCRYPT && plan->moved_at < end)
        return fail(why, RC_FORMAT, "data that were moved are in the way of others");
    if (end > last || plan->moved > last ||
        (plan->moved > 0 && plan->moved_at > last - plan->moved))
        return fail(why, RC_TRUNCATED,
                    "the device was cut off: it ends at %" PRIu64 ", within the data", last);
    return RC_OK;
}

static uint64_t memory_share(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size / MEMORY_SHARE
                                 : ZONE_DEFAULT;
}

/* What the area in the header can guard. */
static uint64_t capacity(const struct reencryption *plan)
{
    switch (plan->guard) {
    case REENCRYPTION_CHECKSUM:
        return plan->area_size / plan->hash->size * plan->block;
    case REENCRYPTION_JOURNAL:
        return plan->area_size;
    case REENCRYPTION_NONE:
        break;
    }
    return REENCRYPTION_ZONE_MAX;
}

static enum rc choose_zone(struct reencrypt *e, struct fault *why)
{
    uint64_t size = e->task.zone_size ? e->task.zone_size : ZONE_DEFAULT;
    uint64_t room = capacity(&e->plan), memory = memory_share();
    uint32_t step = grain(&e->plan);

    if (e->plan.shift > 0)
        room = room < e->plan.shift ? room : e->plan.shift;
    size = size < memory ? size : memory;
    size = size < room ? size : room;
    size = size < REENCRYPTION_ZONE_MAX ? size : REENCRYPTION_ZONE_MAX;
    e->zone_size = size - size % step;
    if (e->zone_size == 0 ||
        (e->plan.mode == REENCRYPTION_DECRYPT && e->plan.moved > capacity(&e->plan)))
        return fail(why, RC_LIMIT,
                    "the room in its header, or its hot zone, is too small to go on safely");
    return RC_OK;
}

static enum rc open_ciphers(struct reencrypt *e, struct fault *why)
{
    const struct reencryption_side *previous = &e->plan.previous, *final = &e->plan.final;
    enum rc rc = RC_OK;

    if (previous->encrypted)
        rc = cipher_open(&e->previous, previous->encryption, e->task.previous_key,
                         previous->sector_size, why);
    if (rc == RC_OK && final->encrypted)
        rc = cipher_open(&e->final, final->encryption, e->task.final_key, final->sector_size,
                         why);
    return rc;
}

static bool has_keys(const struct reencrypt *e)
{
    return (!e->plan.previous.encrypted || e->task.previous_key) &&
           (!e->plan.final.encrypted || e->task.final_key);
}

/* Where all data are done, another program may have taken the keys of before away already. */
static enum rc prove(struct reencrypt *e, struct fault *why)
{
    enum rc rc;

    if (!has_keys(e))
        return e->progress.done ? RC_OK
                                : fail(why, RC_DENIED, "a volume key is missing to go on");
    rc = reencryption_verify(e->task.header, &e->plan, e->task.previous_key, e->task.final_key,
                             why);
    return rc == RC_OK ? open_ciphers(e, why) : rc;
}

static enum rc fill(struct reencrypt *e, struct fault *why)
{
    const struct reencrypt_task *task = &e->task;
    enum rc rc;

    if ((rc = reencryption_read(task->header, &e->plan, why)) ||
        (rc = reencryption_size(&e->plan, task->data->size, &e->size, why)) ||
        (rc =
             reencryption_progress_read(task->header, &e->plan, e->size, &e->progress, why)) ||
        (rc = prove(e, why)) || (rc = check_places(e, why)) || (rc = choose_zone(e, why)))
        return rc;
    return task->header_device->read_only
               ? RC_OK /* it is only looked at */
               : luks2_repair(task->header, task->header_device, why);
}

enum rc reencrypt_open(struct reencrypt **out, const struct reencrypt_task *task,
                       struct fault *why)
{
    struct reencrypt *e = calloc(1, sizeof *e);
    enum rc rc;

    if (!e)
        return fail(why, RC_MEMORY, "no memory to go on");
    e->task = *task;
    if ((rc = fill(e, why)) != RC_OK) {
        reencrypt_close(e);
        return rc;
    }
    *out = e;
    return RC_OK;
}

void reencrypt_progress(const struct reencrypt *e, uint64_t *done, uint64_t *all)
{
    *done = e->progress.done ? e->size : e->progress.to - e->progress.from;
    *all = e->size;
}

const struct reencryption *reencrypt_plan(const struct reencrypt *e)
{
    return &e->plan;
}

unsigned reencrypt_pieces(const struct reencrypt *e,
                          struct reencryption_piece pieces[REENCRYPTION_PIECES_MAX])
{
    return reencryption_pieces(&e->plan, e->size, &e->progress, pieces);
}

void reencrypt_close(struct reencrypt *e)
{
    if (!e)
        return;
    cipher_close(e->previous);
    cipher_close(e->final);
    if (e->zone) {
        wipe(e->zone, e->zone_room);
        munmap(e->zone, e->zone_room);
    }
    free(e->sums);
    free(e);
}
