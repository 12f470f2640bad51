/*
 * The end. A header that ends it all is one step. Where nothing of before waits to be wiped on the data
 * device, that step follows the last zone at once: cryptsetup would take data that are all done, in a
 * reencryption that is not ended, for data of which nothing is done. What is wiped in the header after
 * it is not in use there, and a note says so until it is done.
 */
#include "keep/reencrypt/engine.h"
#include "vault/header/keyslot.h"

/* Plain data that waited for their zone: what they were encrypted from. */
static bool has_moved_out(const struct reencrypt *e)
{
    return e->plan.mode == REENCRYPTION_ENCRYPT && e->plan.moved > 0;
}

bool engine_ends_at_once(const struct reencrypt *e)
{
    return !has_moved_out(e);
}

enum rc engine_end(struct reencrypt *e, struct fault *why)
{
    struct luks2 *header = e->task.header;
    bool keys = e->plan.mode != REENCRYPTION_DECRYPT;
    enum rc rc = reencryption_end(header, &e->plan, why);

    if (rc == RC_OK && keys && !has_moved_out(e) && !reencryption_note_is_there(header))
        rc = reencryption_note_put(header, why);
    if (rc != RC_OK || (rc = luks2_write(header, e->task.header_device, why)) != RC_OK)
        return rc;
    e->ended = true;
    return RC_OK;
}

enum rc reencrypt_wipe(struct reencrypt *e, struct fault *why)
{
    const struct reencryption *plan = &e->plan;

    if (!e->progress.done)
        return fail(why, RC_AGAIN, "there are zones to do");
    if (!has_moved_out(e) || plan->moved_at + plan->moved > e->task.data->size)
        return RC_OK;
    return keyslot_wipe(e->task.data, plan->moved_at, plan->moved, why);
}

enum rc reencrypt_tidy(struct luks2 *header, struct device *device, struct fault *why)
{
    enum rc rc = keyslot_wipe_free(header, device, why);

    if (rc != RC_OK || !reencryption_note_is_there(header))
        return rc;
    rc = reencryption_note_remove(header, why);
    return rc == RC_OK ? luks2_write(header, device, why) : rc;
}

enum rc reencrypt_finish(struct reencrypt *e, struct fault *why)
{
    enum rc rc;

    if ((rc = reencrypt_wipe(e, why)) || (!e->ended && (rc = engine_end(e, why))))
        return rc;
    return e->plan.mode == REENCRYPTION_DECRYPT
               ? keyslot_wipe_free(e->task.header, e->task.header_device, why)
               : reencrypt_tidy(e->task.header, e->task.header_device, why);
}
