/* A mount that nobody uses goes by itself. */
#ifndef KEEP_MOUNT_IDLE_H
#define KEEP_MOUNT_IDLE_H

#include "keep/mount/fuse_transport.h"
#include "keep/mount/record.h"

struct idle {
    uint64_t limit_ms; /* 0: it stays */
    uint64_t requests, since;
    bool ends; /* it was asked to go, and is still in use */
};

/* From now on. */
void idle_begin(struct idle *idle, uint64_t limit_ms);

/* Unmounts it, or tells the log why not: then it goes as soon as it can. */
void idle_end(struct idle *idle, const struct record *record);

/* How long poll(2) waits before it is looked at; -1 for ever. */
int idle_poll_ms(const struct idle *idle);

/* Unmounts what was asked to go, or had no requests for so long; what is used by a process that does nothing is busy, and asked
 * again later. */
void idle_look(struct idle *idle, const struct fuse_transport *fuse,
               const struct record *record);

#endif
