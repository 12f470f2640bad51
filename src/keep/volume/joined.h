/* One device out of pieces of another, each stored in its own way: a volume in the midst of being
 * changed. */
#ifndef KEEP_VOLUME_JOINED_H
#define KEEP_VOLUME_JOINED_H

#include "keep/volume/volume.h"

enum { JOINED_MAX = 4 };

struct joined_piece {
    struct volume_place place; /* its encryption is NULL for plain bytes */
    const struct secret *key;  /* NULL for these */
};

/*
 * The pieces follow each other without a gap. Keys are not kept; `lower` becomes the device's own on
 * success, and is closed with it.
 *
 * RC_FORMAT, RC_UNSUPPORTED, RC_MEMORY  as volume_open
 */
enum rc joined_open(struct device **out, struct device *lower,
                    const struct joined_piece *pieces, unsigned count, struct fault *why);

#endif
