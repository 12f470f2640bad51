/*
 * The journal of dm-integrity: sections in a ring, each with a table of entries and the blocks
 * that these name. Every sector of a section ends with a number that says in which of four rounds
 * of the ring it was written; a section whose sectors disagree was never finished.
 *
 * Source: the kernel's dm-integrity, without journal_crypt and journal_mac.
 */
#ifndef KEEP_VOLUME_INTEGRITY_JOURNAL_H
#define KEEP_VOLUME_INTEGRITY_JOURNAL_H

#include "keep/volume/integrity_layout.h"
#include "keep/volume/integrity_overlay.h"

/* What was found on the device, and where to go on. */
struct integrity_ring {
    uint32_t next; /* the section to be written next, which is the oldest */
    uint8_t
        round; /* its round, 0 .. 3; sections before it have the same, others that before */
    uint32_t first; /* of the sections to be replayed, in the order of the ring */
    uint32_t count;
    bool whole; /* every section was finished: the ring goes on; else it is to be made anew */
    uint32_t entries; /* blocks that the replay will put */
};

/*
 * Looks at every section; `at` is where the superblock stands on the device.
 *
 * RC_FORMAT  sectors that are none of a journal, or blocks that do not exist
 */
enum rc integrity_journal_scan(struct device *device, uint64_t at,
                               const struct integrity_layout *layout,
                               struct integrity_ring *ring, struct fault *why);

/* Puts the blocks of the sections that count into the overlay, which has ring->entries free. */
enum rc integrity_journal_replay(struct device *device, uint64_t at,
                                 const struct integrity_layout *layout,
                                 const struct integrity_ring *ring,
                                 struct integrity_overlay *overlay, struct fault *why);

/*
 * Writes a section with the blocks in `count` slots from `slot` on, at most as many as it has
 * entries; nothing is flushed. `room` has section_size bytes.
 */
enum rc integrity_journal_write(struct device *device, uint64_t at,
                                const struct integrity_layout *layout, uint32_t section,
                                uint8_t round, const struct integrity_overlay *overlay,
                                uint32_t slot, uint32_t count, uint8_t *room,
                                struct fault *why);

/*
 * Empties the ring, the oldest section first and each flushed before the next, so that a cut in
 * between leaves nothing to replay that is older than what stands in its place. Then the ring is
 * whole.
 */
enum rc integrity_journal_empty(struct device *device, uint64_t at,
                                const struct integrity_layout *layout,
                                struct integrity_ring *ring, struct fault *why);

/* A ring without entries on a new device; the caller flushes. */
enum rc integrity_journal_make(struct device *device, uint64_t at,
                               const struct integrity_layout *layout, struct fault *why);

#endif
