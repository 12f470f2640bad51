/* The superblock and the first tags of a new authenticated volume. */
#ifndef KEEP_COMMAND_CREATE_INTEGRITY_H
#define KEEP_COMMAND_CREATE_INTEGRITY_H

#include "base/secret.h"
#include "keep/volume/volume.h"

/*
 * Writes zeros to every sector of the place, so that each has a tag; shows how far it is.
 *
 *   go_on  asked now and then; what it fails with ends it
 *
 * RC_TRUNCATED  there is no room for the tags
 */
enum rc create_integrity(struct device *lower, const struct volume_place *place,
                         const struct secret *key, enum rc (*go_on)(struct fault *why),
                         struct fault *why);

#endif
