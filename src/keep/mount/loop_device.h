/* A file as a block device, which frees itself with its last user. Root's way to mount what is
 * in a file. */
#ifndef KEEP_MOUNT_LOOP_DEVICE_H
#define KEEP_MOUNT_LOOP_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

enum { LOOP_DEVICE_PATH = 32 };

/*
 * Attaches `file` with direct I/O, so that its pages are not cached twice.
 *
 *   block_size  bytes of a logical block: 512 .. 4096
 *   path        is filled: "/dev/loop3"
 *   fd          holds it; once something is mounted from it, the fd may be closed
 *
 * RC_NOT_FOUND  there are no loop devices here (a container, a kernel without them)
 * RC_IO         the system's error
 */
enum rc loop_device_attach(const char *file, bool read_only, uint32_t block_size,
                           char path[LOOP_DEVICE_PATH], int *fd, struct fault *why);

/* The file has another size: /dev/loop3 gets it too. RC_IO */
enum rc loop_device_follow(const char *path, struct fault *why);

/* Gives it blocks of another size, while nobody but us uses it. */
bool loop_device_set_block_size(int fd, uint32_t block_size);

#endif
