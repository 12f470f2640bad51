#include "keep/volume/integrity.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "keep/volume/integrity_journal.h"

enum {
    HELD_BYTES = 4 << 20,     /* of blocks that wait for their place */
    REPLAY_BYTES = 256 << 20, /* of a journal that is found */
};

struct integrity {
    struct device *device;
    uint64_t at;
    struct integrity_layout layout;
    enum integrity_use use;
    pthread_rwlock_t lock; /* of all that follows */
    struct integrity_ring ring;
    struct integrity_overlay overlay; /* slots in the order in which they were written */
    uint32_t held;                    /* sections whose blocks the overlay has */
    uint32_t logged;                  /* slots that stand in sections of the journal already */
    bool unflushed;                   /* a section was written since the last flush */
    uint8_t *room;                    /* of one section */
    struct fault failed; /* what went wrong while writing: from then on nothing is written */
};

/* As many sections as are held at once; the ring must not overtake itself. */
static uint32_t held_most(const struct integrity *i)
{
    uint64_t fit = HELD_BYTES / i->layout.journal.section_size;

    if (fit > i->layout.journal.sections)
        fit = i->layout.journal.sections;
    return fit > 0 ? (uint32_t)fit : 1;
}

/* Slots from `slot` on, up to `end`, whose blocks follow each other and are the newest of their
 * number. */
static uint32_t run_of(const struct integrity *i, uint32_t slot, uint32_t end)
{
    const uint64_t *block = i->overlay.block;
    uint32_t most = (uint32_t)integrity_run(&i->layout, block[slot], end - slot), run = 0;

    while (run < most && block[slot + run] == block[slot] + run &&
           integrity_overlay_find(&i->overlay, block[slot + run]) == slot + run)
        run++;
    return run;
}

static enum rc put_in_place(struct integrity *i, uint64_t block, uint64_t count,
                            const uint8_t *data, const uint8_t *tags, struct fault *why)
{
    enum rc rc = device_write(i->device, i->at + integrity_block_at(&i->layout, block), data,
                              count * i->layout.block_size, why);

    return rc != RC_OK ? rc
                       : device_write(i->device, i->at + integrity_tag_at(&i->layout, block),
                                      tags, count * i->layout.tag_size, why);
}

static enum rc flush_journal(struct integrity *i, struct fault *why)
{
    enum rc rc = i->unflushed ? device_flush(i->device, why) : RC_OK;

    if (rc == RC_OK)
        i->unflushed = false;
    return rc;
}

/* The journal is on the medium before a block is touched, and free again when all are there. */
static enum rc write_back(struct integrity *i, struct fault *why)
{
    enum rc rc = flush_journal(i, why);

    for (uint32_t slot = 0; slot < i->logged && rc == RC_OK;) {
        uint32_t run = run_of(i, slot, i->logged);

        if (run > 0)
            rc = put_in_place(i, i->overlay.block[slot], run,
                              integrity_overlay_data(&i->overlay, slot),
                              integrity_overlay_tag(&i->overlay, slot), why);
        slot += run > 0 ? run : 1; /* a slot that is not the newest has no run */
    }
    if (rc != RC_OK || (rc = device_flush(i->device, why)) != RC_OK)
        return rc;
    integrity_overlay_empty(&i->overlay);
    i->held = i->logged = 0;
    return RC_OK;
}

/* The slots that stand in no section yet make one, full or not. */
static enum rc write_section(struct integrity *i, struct fault *why)
{
    uint32_t count = i->overlay.used - i->logged;
    enum rc rc;

    if (count == 0)
        return RC_OK;
    rc = integrity_journal_write(i->device, i->at, &i->layout, i->ring.next, i->ring.round,
                                 &i->overlay, i->logged, count, i->room, why);
    if (rc != RC_OK)
        return rc;
    i->unflushed = true;
    i->logged = i->overlay.used;
    i->held++;
    if (++i->ring.next == i->layout.journal.sections) {
        i->ring.next = 0;
        i->ring.round = (uint8_t)((i->ring.round + 1) % 4);
    }
    return RC_OK;
}

/* Room for one block more in the section that is being filled. */
static enum rc make_room(struct integrity *i, struct fault *why)
{
    enum rc rc = RC_OK;

    if (i->overlay.used - i->logged == i->layout.journal.entries)
        rc = write_section(i, why);
    if (rc == RC_OK && i->held == held_most(i))
        rc = write_back(i, why);
    return rc;
}

static enum rc log_block(struct integrity *i, uint64_t block, const uint8_t *data,
                         const uint8_t *tag, struct fault *why)
{
    uint32_t slot = integrity_overlay_find(&i->overlay, block);
    enum rc rc;

    if (slot != INTEGRITY_NO_SLOT && slot >= i->logged) {
        memcpy(integrity_overlay_data(&i->overlay, slot), data, i->layout.block_size);
        memcpy(integrity_overlay_tag(&i->overlay, slot), tag, i->layout.tag_size);
        return RC_OK;
    }
    if ((rc = make_room(i, why)) != RC_OK)
        return rc;
    integrity_overlay_put(&i->overlay, block, data, tag);
    return RC_OK;
}

/* A device that failed in the middle is not written again: what stands there is of before or of
 * after, and would be neither with holes. */
static void note(struct integrity *i, enum rc rc, const struct fault *cause)
{
    if (rc != RC_OK && i->failed.rc == RC_OK)
        i->failed = *cause;
}

static enum rc check_failed(const struct integrity *i, struct fault *why)
{
    return i->failed.rc == RC_OK
               ? RC_OK
               : fail(why, i->failed.rc, "writing failed before: %s", i->failed.text);
}

enum rc integrity_write(struct integrity *integrity, uint64_t block, uint64_t count,
                        const uint8_t *data, const uint8_t *tags, struct fault *why)
{
    struct integrity *i = integrity;
    struct fault cause = {0};
    enum rc rc;

    if (i->use == INTEGRITY_READ)
        return fail(why, RC_DENIED, "it is open read-only");
    pthread_rwlock_wrlock(&i->lock);
    rc = check_failed(i, &cause);
    for (uint64_t run, done = 0; done < count && rc == RC_OK; done += run) {
        const uint8_t *from = data + done * i->layout.block_size;
        const uint8_t *tag = tags + done * i->layout.tag_size;

        run = i->use == INTEGRITY_FILL ? integrity_run(&i->layout, block + done, count - done)
                                       : 1;
        rc = i->use == INTEGRITY_FILL ? put_in_place(i, block + done, run, from, tag, &cause)
                                      : log_block(i, block + done, from, tag, &cause);
    }
    note(i, rc, &cause);
    pthread_rwlock_unlock(&i->lock);
    return rc == RC_OK ? RC_OK : fail(why, rc, "%s", cause.text);
}

/* A run of blocks that are all in their places. */
static enum rc read_in_place(struct integrity *i, uint64_t block, uint64_t count,
                             uint8_t *data, uint8_t *tags, struct fault *why)
{
    enum rc rc = device_read(i->device, i->at + integrity_block_at(&i->layout, block), data,
                             count * i->layout.block_size, why);

    return rc != RC_OK ? rc
                       : device_read(i->device, i->at + integrity_tag_at(&i->layout, block),
                                     tags, count * i->layout.tag_size, why);
}

static enum rc read_some(struct integrity *i, uint64_t block, uint64_t count, uint64_t *run,
                         uint8_t *data, uint8_t *tags, struct fault *why)
{
    uint32_t slot = integrity_overlay_find(&i->overlay, block);

    *run = 1;
    if (slot != INTEGRITY_NO_SLOT) {
        memcpy(data, integrity_overlay_data(&i->overlay, slot), i->layout.block_size);
        memcpy(tags, integrity_overlay_tag(&i->overlay, slot), i->layout.tag_size);
        return RC_OK;
    }
    count = integrity_run(&i->layout, block, count);
    while (*run < count &&
           integrity_overlay_find(&i->overlay, block + *run) == INTEGRITY_NO_SLOT)
        ++*run;
    return read_in_place(i, block, *run, data, tags, why);
}

enum rc integrity_read(struct integrity *integrity, uint64_t block, uint64_t count,
                       uint8_t *data, uint8_t *tags, struct fault *why)
{
    enum rc rc = RC_OK;

    pthread_rwlock_rdlock(&integrity->lock);
    for (uint64_t run, done = 0; done < count && rc == RC_OK; done += run)
        rc = read_some(integrity, block + done, count - done, &run,
                       data + done * integrity->layout.block_size,
                       tags + done * integrity->layout.tag_size, why);
    pthread_rwlock_unlock(&integrity->lock);
    return rc;
}

static enum rc flush(struct integrity *i, struct fault *why)
{
    enum rc rc = check_failed(i, why);

    if (rc != RC_OK || (rc = write_section(i, why)) != RC_OK)
        return rc;
    return i->use == INTEGRITY_FILL ? device_flush(i->device, why) : flush_journal(i, why);
}

enum rc integrity_flush(struct integrity *integrity, struct fault *why)
{
    struct fault cause = {0};
    enum rc rc = RC_OK;

    if (integrity->use == INTEGRITY_READ)
        return RC_OK;
    pthread_rwlock_wrlock(&integrity->lock);
    rc = flush(integrity, &cause);
    note(integrity, rc, &cause);
    pthread_rwlock_unlock(&integrity->lock);
    return rc == RC_OK ? RC_OK : fail(why, rc, "%s", cause.text);
}

uint64_t integrity_blocks(const struct integrity *integrity)
{
    return integrity->layout.blocks;
}

static void finish(struct integrity *i)
{
    if (i->use != INTEGRITY_WRITE || !i->room || i->failed.rc != RC_OK ||
        flush(i, NULL) != RC_OK || write_back(i, NULL) != RC_OK)
        return;
    (void)!integrity_journal_empty(i->device, i->at, &i->layout, &i->ring, NULL);
}

void integrity_close(struct integrity *integrity)
{
    if (!integrity)
        return;
    finish(integrity);
    integrity_overlay_clear(&integrity->overlay);
    pthread_rwlock_destroy(&integrity->lock);
    free(integrity->room);
    free(integrity);
}

/* What the journal has goes to its places, or stays in memory where nothing may be written. */
static enum rc take_journal(struct integrity *i, struct fault *why)
{
    uint64_t entries;
    enum rc rc = integrity_journal_scan(i->device, i->at, &i->layout, &i->ring, why);

    if (rc != RC_OK)
        return rc;
    entries = i->ring.entries;
    if (entries * i->layout.block_size > REPLAY_BYTES)
        return fail(why, RC_LIMIT, "the journal of its dm-integrity has more than %d MiB",
                    REPLAY_BYTES >> 20);
    if (entries == 0)
        entries = 1;
    if ((rc = integrity_overlay_init(&i->overlay, (uint32_t)entries, i->layout.block_size,
                                     i->layout.tag_size, why)) ||
        (rc = integrity_journal_replay(i->device, i->at, &i->layout, &i->ring, &i->overlay,
                                       why)))
        return rc;
    i->logged = i->overlay.used;
    if (i->use == INTEGRITY_READ)
        return RC_OK;
    if (i->logged > 0)
        rc = write_back(i, why);
    integrity_overlay_clear(&i->overlay);
    if (rc == RC_OK)
        rc = integrity_journal_empty(i->device, i->at, &i->layout, &i->ring, why);
    return rc;
}

static enum rc read_layout(struct integrity *i, uint64_t len, uint32_t tag_size,
                           uint32_t block_size, struct fault *why)
{
    uint8_t superblock[INTEGRITY_SECTOR];
    enum rc rc = len < INTEGRITY_SUPERBLOCK
                     ? fail(why, RC_TRUNCATED, "the device ends before its data")
                     : device_read(i->device, i->at, superblock, sizeof superblock, why);

    if (rc != RC_OK || (rc = integrity_layout_parse(&i->layout, superblock, len, why)))
        return rc;
    if (i->layout.tag_size != tag_size || i->layout.block_size != block_size)
        return fail(why, RC_FORMAT,
                    "its dm-integrity has tags of %u bytes for blocks of %u, the header asks "
                    "for %u and %u",
                    i->layout.tag_size, i->layout.block_size, tag_size, block_size);
    return RC_OK;
}

static enum rc prepare(struct integrity *i, struct fault *why)
{
    uint32_t slots = held_most(i) * i->layout.journal.entries;
    enum rc rc;

    if (i->use != INTEGRITY_FILL && (rc = take_journal(i, why)) != RC_OK)
        return rc;
    if (i->use == INTEGRITY_READ)
        return RC_OK;
    rc = integrity_overlay_init(&i->overlay, slots, i->layout.block_size, i->layout.tag_size,
                                why);
    if (rc != RC_OK || i->use == INTEGRITY_FILL)
        return rc;
    i->room = malloc(i->layout.journal.section_size);
    return i->room ? RC_OK : fail(why, RC_MEMORY, "no memory for a journal");
}

enum rc integrity_open(struct integrity **out, struct device *device, uint64_t at,
                       uint64_t len, uint32_t tag_size, uint32_t block_size,
                       enum integrity_use use, struct fault *why)
{
    struct integrity *i = calloc(1, sizeof *i);
    enum rc rc;

    if (!i)
        return fail(why, RC_MEMORY, "no memory for a volume");
    i->device = device;
    i->at = at;
    i->use = use;
    pthread_rwlock_init(&i->lock, NULL);
    if ((rc = read_layout(i, len, tag_size, block_size, why)) || (rc = prepare(i, why))) {
        integrity_close(i);
        return rc;
    }
    *out = i;
    return RC_OK;
}

enum rc integrity_create(struct device *device, uint64_t at, uint64_t len, uint32_t tag_size,
                         uint32_t block_size, struct fault *why)
{
    uint8_t superblock[INTEGRITY_SUPERBLOCK] = {0};
    struct integrity_layout layout;
    enum rc rc;

    if ((rc = integrity_layout_make(&layout, superblock, device->size, len, tag_size,
                                    block_size, why)) ||
        (rc = integrity_journal_make(device, at, &layout, why)) ||
        (rc = device_write(device, at, superblock, sizeof superblock, why)))
        return rc;
    return device_flush(device, why);
}
