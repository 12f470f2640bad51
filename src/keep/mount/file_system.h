/* The file system inside an open volume: mounted by the kernel for root, by fuse2fs for
 * others. */
#ifndef KEEP_MOUNT_FILE_SYSTEM_H
#define KEEP_MOUNT_FILE_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "io/device.h"

/*
 * Mounts what is in the file `image` on `directory`.
 *
 *   block_size  of the loop device: the volume's sector size; smaller where the blocks of an ext are
 *   helper      is set: fuse2fs, our child; 0 where the kernel mounts
 *
 * RC_NOT_FOUND    fuse2fs is not installed
 * RC_TRUNCATED    the end of an ext2, ext3 or ext4 is missing
 * RC_UNSUPPORTED  no file system is known in it, or fuse2fs is to mount one that is not ext2,
 *                 ext3 or ext4
 * RC_IO
 */
enum rc file_system_mount(const char *image, const char *directory, bool read_only,
                          uint32_t block_size, pid_t *helper, struct fault *why);

/* Bytes of an ext2, ext3 or ext4 on the device; 0 where its superblock makes no sense. */
enum rc file_system_ext_end(struct device *device, uint64_t *end, struct fault *why);

/* True when something is mounted on exactly this directory. */
bool file_system_is_mounted(const char *directory);

/*
 * RC_BUSY  somebody uses it, and nothing was changed
 * RC_IO
 */
enum rc file_system_unmount(const char *directory, struct fault *why);

/* Tries again for a while: somebody who passes by, or the kernel behind our back, drops the last
 * reference soon. */
enum rc file_system_unmount_patiently(const char *directory, struct fault *why);

/* All that was written in it is on its device. RC_IO otherwise. */
enum rc file_system_sync(const char *directory, struct fault *why);

#endif
