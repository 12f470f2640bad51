/* FUSE over /dev/fuse: mounts the face, and serves it with threads of its own until it is
 * unmounted. */
#ifndef KEEP_MOUNT_FUSE_DEVICE_H
#define KEEP_MOUNT_FUSE_DEVICE_H

#include "keep/mount/fuse_protocol.h"

struct fuse_device;

/*
 * Mounts `face` (which the caller keeps) on `directory`: by mount(2) as root, through
 * fusermount otherwise. Serves it when it returns. Only the user who mounts it may look
 * inside.
 *
 * RC_IO, RC_NOT_FOUND  it cannot be mounted: no /dev/fuse, no fusermount
 * RC_MEMORY
 */
enum rc fuse_device_open(struct fuse_device **out, struct fuse_face *face,
                         const char *directory, struct fault *why);

/* Becomes readable when the face was unmounted and the last thread has ended. */
int fuse_device_ended_fd(const struct fuse_device *device);

/*
 * Waits for the threads. Where the face is still mounted, the connection is cut first: whoever
 * uses it gets errors. Harmless on NULL.
 */
void fuse_device_close(struct fuse_device *device);

#endif
