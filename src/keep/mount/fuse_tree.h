/*
 * A tree of files in the kernel's FUSE protocol: one request in, one reply out. Does not know how
 * requests travel; may be called from several threads at once, which are its own: it gives each
 * the umask of whoever asks.
 * Source: include/uapi/linux/fuse.h.
 */
#ifndef KEEP_MOUNT_FUSE_TREE_H
#define KEEP_MOUNT_FUSE_TREE_H

#include "keep/mount/fuse_transport.h"
#include "keep/tree/tree.h"

enum { FUSE_TREE_LIFETIME = 24 * 3600 };

struct fuse_tree {
    struct tree *tree; /* the caller's */
    /* Seconds for which the kernel may trust what it was told of names and attributes:
     * FUSE_TREE_LIFETIME where nobody else changes what is below, else 0 or little more. */
    uint32_t lifetime;
    bool short_setxattr; /* from INIT: an old kernel, whose struct is half as long */
};

/* For a fuse_handler, whose `of` is a struct fuse_tree. Wants a mount with default_permissions:
 * the kernel alone asks who may do what. */
enum rc fuse_tree_answer(void *of, const void *request, size_t len, void *room,
                         struct fuse_reply *reply);

#endif
