/* The mkfs of a file system, run on a decrypted volume. */
#ifndef KEEP_COMMAND_MAKE_FILE_SYSTEM_H
#define KEEP_COMMAND_MAKE_FILE_SYSTEM_H

#include <stdbool.h>

#include "io/device.h"

struct new_file_system {
    const char *name;    /* as in mkfs.ext4 */
    const char *package; /* that its mkfs comes in */
    uint64_t least;      /* bytes; its mkfs makes none that is smaller */
    size_t label_most;   /* bytes */
    const char *label_option;
    const char *words[6];        /* that it is run with; NULL after the last */
    bool owner;                  /* the next word names the owner of its root directory */
    const char *sector_words[2]; /* before the bytes of a sector, and in one word with them */
};

#define MAKE_FILE_SYSTEM_NAMES "ext4, ext3, ext2, xfs, btrfs and vfat"

/* NULL for a name of none that can be made. */
const struct new_file_system *make_file_system_find(const char *name);

/*
 * Shows `device` as a file for as long as it takes. The root directory of an ext4 belongs to the user
 * who runs this.
 *
 *   label        NULL for none
 *   sector_size  of the volume: the file system may be mounted where blocks are as large
 *
 * RC_NOT_FOUND  its mkfs is not installed: the fault names the package
 * RC_IO         it failed: the fault has its words
 */
enum rc make_file_system(struct device *device, const struct new_file_system *fs,
                         const char *label, uint32_t sector_size, struct fault *why);

#endif
