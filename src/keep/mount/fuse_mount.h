/* The mount itself: a connection to the kernel's FUSE, made and cut. */
#ifndef KEEP_MOUNT_FUSE_MOUNT_H
#define KEEP_MOUNT_FUSE_MOUNT_H

#include "keep/mount/fuse_transport.h"

/* *fd is the connection, the caller's. RC_IO, RC_NOT_FOUND: no /dev/fuse, no fusermount. */
enum rc fuse_mount_open(const struct fuse_mount *mount, int *fd, struct fault *why);

/* The kernel reads 128 KiB ahead whatever INIT says; as root it reads further. */
void fuse_mount_read_further_ahead(const char *directory);

/* Unmounts, at once also where it is used: the connection ends. */
void fuse_mount_cut(const char *directory);

#endif
