/*
 * Requests that come over io_uring: a ring and a thread for each processor, so that a request
 * is answered where it was made, and several with one system call. What the kernel sends
 * nobody waits for (FORGET, INTERRUPT) still comes by /dev/fuse.
 * Source: Documentation/filesystems/fuse-io-uring.rst and include/uapi/linux/fuse.h of Linux
 * 6.14.
 */
#ifndef KEEP_MOUNT_FUSE_RING_H
#define KEEP_MOUNT_FUSE_RING_H

#include "keep/mount/fuse_link.h"

struct fuse_ring;

/* Does the kernel have it, and is it switched on? */
bool fuse_ring_is_offered(void);

/*
 * Rings and buffers, and no thread yet. Before INIT, whose answer fuse_link makes from
 * link->ring_payload, which is set here.
 * RC_MEMORY, RC_UNSUPPORTED: no rings for this process
 */
enum rc fuse_ring_open(struct fuse_ring **out, struct fuse_link *link, struct fault *why);

/*
 * After INIT. RC_UNSUPPORTED: not every ring stands, and the kernel may wait for ever for the
 * one that is missing: this connection is of no use. Threads end with it.
 */
enum rc fuse_ring_start(struct fuse_ring *ring, struct fault *why);

uint64_t fuse_ring_requests(const struct fuse_ring *ring);

/* Waits for its threads; harmless on NULL. */
void fuse_ring_close(struct fuse_ring *ring);

#endif
