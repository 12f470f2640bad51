/*
 * The end. All data are in their final way; what is wiped first is in nobody's way any more, and a
 * cut there is followed by the same wiping. The header that ends it all is one step; the slots
 * that it names no more are wiped behind it.
 */
#include "keep/reencrypt/engine.h"
#include "vault/header/keyslot.h"

/* Plain data that waited for their zone: what they were encrypted from. */
static enum rc wipe_moved(struct reencrypt *e, struct fault *why)
{
    const struct reencryption *plan = &e->plan;
    uint64_t end = plan->moved_at + plan->moved, size = e->task.data->size;

    if (plan->mode != REENCRYPTION_ENCRYPT || plan->moved == 0 || end > size)
        return RC_OK;
    return keyslot_wipe(e->task.data, plan->moved_at, plan->moved, why);
}

/* Data of before, or hashes of them. */
static enum rc wipe_area(struct reencrypt *e, struct fault *why)
{
    if (e->plan.guard == REENCRYPTION_NONE)
        return RC_OK;
    return keyslot_wipe(e->task.header_device, e->plan.area_offset, e->plan.area_size, why);
}

static enum rc end_header(struct reencrypt *e, struct fault *why)
{
    struct luks2 *header = e->task.header;
    struct luks2_keyslot slots[LUKS2_KEYSLOTS_MAX];
    uint32_t gone;
    enum rc rc;

    memcpy(slots, header->keyslots, sizeof slots);
    if ((rc = reencryption_end(header, &e->plan, &gone, why)) ||
        (rc = luks2_write(header, e->task.header_device, why)))
        return rc;
    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX && rc == RC_OK; i++)
        if (gone >> i & 1)
            rc = keyslot_wipe(e->task.header_device, slots[i].area_offset, slots[i].area_size,
                              why);
    return rc;
}

enum rc reencrypt_wipe(struct reencrypt *e, struct fault *why)
{
    enum rc rc;

    if (!e->progress.done)
        return fail(why, RC_AGAIN, "there are zones to do");
    rc = wipe_moved(e, why);
    return rc == RC_OK ? wipe_area(e, why) : rc;
}

enum rc reencrypt_finish(struct reencrypt *e, struct fault *why)
{
    enum rc rc = reencrypt_wipe(e, why);

    return rc == RC_OK ? end_header(e, why) : rc;
}
