/* The mkfs of a file system, run on a decrypted volume. */
#ifndef KEEP_COMMAND_MAKE_FILE_SYSTEM_H
#define KEEP_COMMAND_MAKE_FILE_SYSTEM_H

#include <stdbool.h>

#include "io/device.h"

struct new_file_system {
    const char *name;  /* as in mkfs.ext4 */
    size_t label_most; /* bytes */
    const char *label_option;
    const char *words[6]; /* that it is run with; NULL after the last */
    bool owner;           /* the next word names the owner of its root directory */
};

#define MAKE_FILE_SYSTEM_NAMES "ext4, ext3, ext2, xfs, btrfs and vfat"

/* NULL for a name of none that can be made. */
const struct new_file_system *make_file_system_find(const char *name);

/*
 * Shows `device` as a file for as long as it takes. The root directory of an ext4 belongs to the user
 * who runs this.
 *
 *   label  NULL for none
 *
 * RC_NOT_FOUND  its mkfs is not installed
 * RC_IO         it failed: the fault has its words
 */
enum rc make_file_system(struct device *device, const struct new_file_system *fs,
                         const char *label, struct fault *why);

#endif
