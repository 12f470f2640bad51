/*
 * A directory with one file in it, in the kernel's FUSE protocol: one request in, one reply
 * out. Does not know how requests travel, so that every transport shares it; never allocates,
 * and may be called from several threads at once.
 * Source: include/uapi/linux/fuse.h.
 */
#ifndef KEEP_MOUNT_FUSE_PROTOCOL_H
#define KEEP_MOUNT_FUSE_PROTOCOL_H

#include <linux/fuse.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "io/device.h"

enum {
    FUSE_PAYLOAD_MAX = 1 << 20, /* bytes of one READ or WRITE */
    /* What stands in front of the data of a WRITE. */
    FUSE_WRITE_HEAD = sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in),
    FUSE_REQUEST_MAX = FUSE_PAYLOAD_MAX + FUSE_WRITE_HEAD,
};

struct fuse_face {
    struct device *device; /* the bytes of the file; its size never changes */
    const char *name;      /* of the file */
    uid_t owner;           /* of file and directory */
    gid_t group;
    uint64_t time;     /* of both, seconds since 1970 */
    bool discard;      /* holes that are punched in the file are passed on to the device */
    atomic_bool ready; /* INIT was answered */
    atomic_int lost; /* errno of the last write or flush that the device failed; 0 for none */
};

/* The wire is `head`, `body_len` bytes of `body`, `data_len` bytes at `data`. */
struct fuse_reply {
    struct fuse_out_header head;
    union {
        struct fuse_init_out init;
        struct fuse_entry_out entry;
        struct fuse_attr_out attr;
        struct fuse_open_out open;
        struct fuse_write_out write;
        struct fuse_statfs_out statfs;
        uint8_t bytes[160];
    } body;
    size_t body_len;
    const void *data;
    size_t data_len;
    bool silent; /* the kernel waits for no reply */
};

/*
 * Answers one request, whatever its bytes are: a failure is the reply's error.
 *
 *   request  as it came from the kernel
 *   room     FUSE_PAYLOAD_MAX bytes for the data of the reply; may overlap the request. The
 *            reply may point into it.
 *
 * RC_FORMAT  it is no request, and cannot be answered; `reply` says nothing
 */
enum rc fuse_answer(struct fuse_face *face, const void *request, size_t len, void *room,
                    struct fuse_reply *reply);

#endif
