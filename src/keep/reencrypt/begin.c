#include "keep/reencrypt/begin.h"

#include <inttypes.h>
#include <stdlib.h>

#include "crypto/cipher.h"
#include "vault/header/keyslot.h"

enum { BLOCK = 4096, RUN = 1 << 20 };

/* Blocks that the data are a whole number of; a device writes one whole or not at all, as a rule.
 */
static void choose_guard(struct reencryption *plan, uint64_t size,
                         enum reencryption_guard guard)
{
    plan->guard = guard;
    if (guard != REENCRYPTION_CHECKSUM)
        return;
    plan->hash = hash_find("sha256");
    plan->block = BLOCK;
    while (size % plan->block != 0)
        plan->block /= 2;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

enum rc begin_in_place(struct luks2 *header, struct device *header_device,
                       const struct device *data, struct reencryption *plan,
                       enum reencryption_guard guard, const struct secret *previous_key,
                       const struct secret *final_key, struct fault *why)
{
    uint64_t size;
    enum rc rc;

    plan->dynamic = plan->size == 0;
    if ((rc = reencryption_size(plan, data->size, &size, why)) != RC_OK)
        return rc;
    choose_guard(plan, size, guard);
    if ((rc = reencryption_begin(header, plan, size, previous_key, final_key, why)) != RC_OK)
        return rc;
    return luks2_write(header, header_device, why);
}

static enum rc copy_run(struct device *device, uint64_t from, uint64_t to, uint64_t len,
                        struct fault *why)
{
    uint8_t *run = malloc(RUN);
    enum rc rc = run ? RC_OK : fail(why, RC_MEMORY, "no memory to move data");

    for (uint64_t done = 0; done < len && rc == RC_OK; done += RUN) {
        size_t part = (size_t)least(RUN, len - done);

        if ((rc = device_read(device, from + done, run, part, why)) == RC_OK)
            rc = device_write(device, to + done, run, part, why);
    }
    if (run)
        wipe(run, RUN);
    free(run);
    return rc == RC_OK ? device_flush(device, why) : rc;
}

/*
 * As much as can be guarded when its turn comes, last of all. Not less, whatever the size of zones is
 * to be: cryptsetup, when it continues, takes it for as long as the shift.
 */
static uint64_t choose_moved(const struct luks2 *header, const struct reencryption *plan,
                             uint64_t size)
{
    uint64_t room, offset, moved;

    keyslot_find_gap(header, &offset, &room);
    if (plan->guard == REENCRYPTION_CHECKSUM)
        room = room / plan->hash->size * plan->block;
    moved = least(plan->shift, size);
    if (plan->guard != REENCRYPTION_NONE)
        moved = least(moved, room);
    return moved == size ? size : moved - moved % BLOCK;
}

enum rc begin_shift_back(struct luks2 *header, struct device *header_device,
                         struct device *data, enum reencryption_guard guard,
                         const struct secret *key, struct fault *why)
{
    const struct luks2_segment *segment = &header->segments[0];
    struct reencryption plan = {.mode = REENCRYPTION_DECRYPT,
                                .shift = segment->offset,
                                .dynamic = segment->dynamic,
                                .size = segment->size};
    uint64_t size;
    enum rc rc;

    if (plan.shift == 0 || plan.shift > REENCRYPTION_SHIFT_MAX || plan.shift % BLOCK != 0)
        return fail(why, RC_UNSUPPORTED, "its data cannot be moved by %" PRIu64 " bytes",
                    plan.shift);
    if ((rc = reencryption_side_of_segment(header, 0, &plan.previous, why)) ||
        (rc = reencryption_size(&plan, data->size, &size, why)))
        return rc;
    plan.final =
        (struct reencryption_side){.sector_size = CIPHER_SECTOR, .digest = DIGEST_NONE};
    choose_guard(&plan, size, guard);
    plan.moved = choose_moved(header, &plan, size);
    if (plan.moved == 0)
        return fail(why, RC_LIMIT, "there is no room in the header for a decryption");
    if ((rc = copy_run(data, plan.shift, 0, plan.moved, why)) ||
        (rc = reencryption_begin(header, &plan, size, key, NULL, why)))
        return rc;
    return luks2_write(header, header_device, why);
}
