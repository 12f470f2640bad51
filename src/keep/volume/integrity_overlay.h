/*
 * Blocks that are newer than those in their places on the device: in the journal, or on the way to
 * it. Each is put into the next free slot, and found by its number; of several with one number
 * the last counts.
 */
#ifndef KEEP_VOLUME_INTEGRITY_OVERLAY_H
#define KEEP_VOLUME_INTEGRITY_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

enum { INTEGRITY_NO_SLOT = UINT32_MAX };

struct integrity_overlay {
    uint32_t block_size, tag_size;
    uint32_t slots, used;
    uint64_t *block; /* number of the block in each slot */
    uint8_t *data, *tags;
    uint32_t *map; /* by hash: a slot, or INTEGRITY_NO_SLOT */
    uint32_t map_mask;
};

/* RC_MEMORY; `overlay` must be {0}, and is cleared also then. */
enum rc integrity_overlay_init(struct integrity_overlay *overlay, uint32_t slots,
                               uint32_t block_size, uint32_t tag_size, struct fault *why);

/* The slot of a block; INTEGRITY_NO_SLOT where it is in its place. */
uint32_t integrity_overlay_find(const struct integrity_overlay *overlay, uint64_t block);

/* There must be a free slot; returns it. */
uint32_t integrity_overlay_put(struct integrity_overlay *overlay, uint64_t block,
                               const uint8_t *data, const uint8_t *tag);

static inline uint8_t *integrity_overlay_data(const struct integrity_overlay *o, uint32_t slot)
{
    return o->data + (size_t)slot * o->block_size;
}

static inline uint8_t *integrity_overlay_tag(const struct integrity_overlay *o, uint32_t slot)
{
    return o->tags + (size_t)slot * o->tag_size;
}

/* All slots are free again. */
void integrity_overlay_empty(struct integrity_overlay *overlay);

/* Harmless on {0}. */
void integrity_overlay_clear(struct integrity_overlay *overlay);

#endif
