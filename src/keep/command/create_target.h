/*
 * Where a new volume comes to stand. A file is written without a name, or beside the one that
 * it replaces, and gets it once all is done; a block device is written in place, its header
 * last. So what was not finished is no volume.
 */
#ifndef KEEP_COMMAND_CREATE_TARGET_H
#define KEEP_COMMAND_CREATE_TARGET_H

#include <limits.h>

#include "io/device.h"

struct create_target {
    const char *path;
    char real[PATH_MAX];   /* the same, behind symbolic links where it replaces a file */
    bool makes;            /* a file; else a block device is written */
    int fd;                /* of the file that is made */
    char place[32];        /* its path, which stays its own whoever else may write there */
    char beside[PATH_MAX]; /* its name until it is done; "" for none */
    bool replaces;         /* a file stands there, whose loss was agreed to */
    struct device *old;    /* it, locked: nobody opens it meanwhile */
};

/*
 * Looks at what stands there, asks before it is lost, and makes the file.
 *
 *   size  bytes of a new file; not looked at for a block device
 *   yes   the answer to every question
 *
 * RC_USAGE  there are data, and the answer was not yes
 * RC_BUSY   it is open
 * RC_IO
 */
enum rc create_target_begin(struct create_target *target, const char *path, uint64_t size,
                            bool yes, struct fault *why);

/* What is to be written: the new file, or the block device. */
const char *create_target_path(const struct create_target *target);

/* The new file gets its name. RC_BUSY when another has taken it meanwhile. */
enum rc create_target_end(struct create_target *target, struct fault *why);

/* Removes a file that was not ended; harmless on {0}. */
void create_target_clear(struct create_target *target);

#endif
