/*
 * Loop devices: the same bytes under two names, a file and a block device, whose locks do not
 * know each other.
 */
#ifndef IO_DEVICE_LOOP_H
#define IO_DEVICE_LOOP_H

#include <stdbool.h>
#include <sys/stat.h>

enum { DEVICE_LOOP_NAME = 32 };

/* The loop device that a regular file is attached to, as "/dev/loop0"; false for none. */
bool device_loop_find(const struct stat *file, char name[DEVICE_LOOP_NAME]);

/* Whether somebody has locked, with flock(2), the file behind a loop device or one of its
 * partitions; false for other block devices. */
bool device_loop_is_locked(dev_t device);

#endif
