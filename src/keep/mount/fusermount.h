/* Mounting FUSE without root: fusermount3, or fusermount where only that is installed. */
#ifndef KEEP_MOUNT_FUSERMOUNT_H
#define KEEP_MOUNT_FUSERMOUNT_H

#include "base/fault.h"

/*
 * Mounts on `directory` with the options given ("ro,nosuid"); *fd is the connection, the
 * caller's.
 *
 * RC_NOT_FOUND  neither program is installed
 * RC_IO         it refused: the fault has its words
 */
enum rc fusermount_mount(const char *directory, const char *options, int *fd,
                         struct fault *why);

/* RC_BUSY  somebody uses it, and nothing was changed */
enum rc fusermount_unmount(const char *directory, struct fault *why);

#endif
