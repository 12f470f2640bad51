/* An open tree from its mount to its end: serve.h for what is files and not a device. */
#ifndef KEEP_MOUNT_SERVE_TREE_H
#define KEEP_MOUNT_SERVE_TREE_H

#include "keep/mount/daemon.h"
#include "keep/mount/record.h"
#include "keep/tree/tree.h"

struct serve_tree {
    struct record *record; /* begun; says where to mount and how */
    struct tree *tree;     /* closed by serve_tree in any case */
    bool allow_other;
    uint64_t idle_ms; /* closed when it was not used for so long; 0: never */
    struct daemon *daemon;
    void (*mounted)(const struct record *record); /* called once all is mounted */
};

/* Mounts, reports, and returns when it was unmounted. RC_IO: also where not all could be saved. */
enum rc serve_tree(struct serve_tree *serve, struct fault *why);

#endif
