#include "keep/volume/integrity_overlay.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum rc integrity_overlay_init(struct integrity_overlay *overlay, uint32_t slots,
                               uint32_t block_size, uint32_t tag_size, struct fault *why)
{
    uint64_t places = 16;

    while (places < 2 * (uint64_t)slots)
        places *= 2;
    *overlay = (struct integrity_overlay){
        .block_size = block_size,
        .tag_size = tag_size,
        .slots = slots,
        .block = calloc(slots, sizeof *overlay->block),
        .data = calloc(slots, block_size),
        .tags = calloc(slots, tag_size),
        .map = calloc(places, sizeof *overlay->map),
        .map_mask = (uint32_t)(places - 1),
    };
    if (!overlay->block || !overlay->data || !overlay->tags || !overlay->map) {
        integrity_overlay_clear(overlay);
        return fail(why, RC_MEMORY, "no memory for the blocks of a journal");
    }
    integrity_overlay_empty(overlay);
    return RC_OK;
}

/* Where a block is in the map, or would be. */
static uint32_t *place_of(const struct integrity_overlay *o, uint64_t block)
{
    uint32_t at = (uint32_t)((block * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & o->map_mask;

    while (o->map[at] != INTEGRITY_NO_SLOT && o->block[o->map[at]] != block)
        at = (at + 1) & o->map_mask;
    return &o->map[at];
}

uint32_t integrity_overlay_find(const struct integrity_overlay *overlay, uint64_t block)
{
    return overlay->used == 0 ? INTEGRITY_NO_SLOT : *place_of(overlay, block);
}

uint32_t integrity_overlay_put(struct integrity_overlay *overlay, uint64_t block,
                               const uint8_t *data, const uint8_t *tag)
{
    uint32_t slot = overlay->used++;

    assert(slot < overlay->slots);
    *place_of(overlay, block) = slot;
    overlay->block[slot] = block;
    memcpy(integrity_overlay_data(overlay, slot), data, overlay->block_size);
    memcpy(integrity_overlay_tag(overlay, slot), tag, overlay->tag_size);
    return slot;
}

void integrity_overlay_empty(struct integrity_overlay *overlay)
{
    overlay->used = 0;
    memset(overlay->map, 0xff, ((size_t)overlay->map_mask + 1) * sizeof *overlay->map);
}

void integrity_overlay_clear(struct integrity_overlay *overlay)
{
    free(overlay->block);
    free(overlay->data);
    free(overlay->tags);
    free(overlay->map);
    *overlay = (struct integrity_overlay){0};
}
