/* Requests that are read from /dev/fuse, by several threads. Every kernel has it. */
#ifndef KEEP_MOUNT_FUSE_DEVICE_H
#define KEEP_MOUNT_FUSE_DEVICE_H

#include "keep/mount/fuse_link.h"

struct fuse_device;

/* No thread yet. RC_MEMORY. */
enum rc fuse_device_open(struct fuse_device **out, struct fuse_link *link, struct fault *why);

/* Serves on the caller's thread until INIT was answered. RC_UNSUPPORTED: it was refused. */
enum rc fuse_device_greet(struct fuse_device *device, struct fault *why);

/*
 * Threads with buffers: one beside rings, which do the work; several where there are none.
 * RC_MEMORY: some may run, and end with the connection.
 */
enum rc fuse_device_start(struct fuse_device *device, bool has_rings, struct fault *why);

uint64_t fuse_device_requests(const struct fuse_device *device);

/* Waits for its threads; harmless on NULL. */
void fuse_device_close(struct fuse_device *device);

#endif
