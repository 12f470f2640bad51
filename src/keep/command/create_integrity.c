#include "keep/command/create_integrity.h"

#include <stdlib.h>
#include <string.h>

#include "keep/command/command.h"
#include "keep/volume/lanes.h"
#include "keep/volume/sealed.h"

static enum rc fill(struct sealed *sealed, uint8_t *zeros, uint8_t *room,
                    enum rc (*go_on)(struct fault *why), struct fault *why)
{
    uint64_t size = sealed_size(sealed);
    enum rc rc = RC_OK;

    for (uint64_t at = 0; at < size && rc == RC_OK; at += LANE_ROOM) {
        size_t len = size - at < LANE_ROOM ? (size_t)(size - at) : LANE_ROOM;

        if ((rc = go_on(why)) == RC_OK)
            rc = sealed_write(sealed, at, zeros, room, len, why);
    }
    return rc == RC_OK ? sealed_flush(sealed, why) : rc;
}

enum rc create_integrity(struct device *lower, const struct volume_place *place,
                         const struct secret *key, enum rc (*go_on)(struct fault *why),
                         struct fault *why)
{
    uint8_t *zeros = calloc(2, LANE_ROOM);
    struct sealed *sealed = NULL;
    enum rc rc;

    if (!zeros)
        return fail(why, RC_MEMORY, "no memory");
    command_progress("Giving every sector its tag ...");
    if ((rc = sealed_create(lower, place, why)) == RC_OK &&
        (rc = sealed_open(&sealed, lower, place, key, INTEGRITY_FILL, why)) == RC_OK)
        rc = fill(sealed, zeros, zeros + LANE_ROOM, go_on, why);
    sealed_close(sealed);
    free(zeros);
    return rc;
}
