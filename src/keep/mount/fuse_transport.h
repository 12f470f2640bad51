/*
 * How the kernel's FUSE requests reach whoever answers them: mounts a face, whatever kind it
 * is, and serves it with threads of its own until it is unmounted.
 * Source: include/uapi/linux/fuse.h.
 */
#ifndef KEEP_MOUNT_FUSE_TRANSPORT_H
#define KEEP_MOUNT_FUSE_TRANSPORT_H

#include <linux/fuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "keep/mount/fuse_statx.h"

enum {
    FUSE_PAYLOAD_MAX = 1 << 20, /* bytes of one READ or WRITE */
    /* What stands in front of the data of a WRITE. */
    FUSE_WRITE_HEAD = sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in),
    FUSE_REQUEST_MAX = FUSE_PAYLOAD_MAX + FUSE_WRITE_HEAD,
};

/* The wire is `head`, `body_len` bytes of `body`, `data_len` bytes at `data`. */
struct fuse_reply {
    struct fuse_out_header head;
    union {
        struct fuse_init_out init;
        struct fuse_entry_out entry;
        struct fuse_attr_out attr;
        struct fuse_statx_out statx;
        struct fuse_open_out open;
        struct fuse_write_out write;
        struct fuse_statfs_out statfs;
        struct fuse_ioctl_out ioctl;
        uint8_t bytes[sizeof(struct fuse_statx_out)];
    } body;
    size_t body_len;
    const void *data;
    size_t data_len;
    bool silent; /* the kernel waits for no reply: FORGET, BATCH_FORGET, INTERRUPT */
};

/*
 * Answers one request, whatever its bytes are: a failure is the reply's error, and `head` is
 * filled in any case. INIT is the face's own; it agrees to FUSE_PAYLOAD_MAX or less. Called
 * from several threads at once.
 *
 *   request  as it came from the kernel; its header may lie at any address, and the data of a
 *            WRITE may be changed
 *   room     for the data of the reply, as much as the kernel asks for and FUSE_PAYLOAD_MAX
 *            at most, from a page on; may overlap the request. The reply may point into it.
 *
 * RC_FORMAT  it is no request, and cannot be answered; `reply` says nothing
 */
struct fuse_handler {
    enum rc (*answer)(void *of, const void *request, size_t len, void *room,
                      struct fuse_reply *reply);
    void *of; /* handed to answer() */
    /* Bytes of one READ or WRITE by /dev/fuse, at most: a longer one comes as several, which its threads
     * answer at a time; 0: FUSE_PAYLOAD_MAX. */
    uint32_t piece;
    /* Several long requests come at a time: every second thread of the rings goes to whichever processor is free. */
    bool bulk;
};

struct fuse_mount {
    const char *directory;
    const char *source;       /* shown in tables of mounts; NULL is "keep" */
    bool read_only;           /* nosuid and nodev are always set */
    bool noexec;              /* what is shown holds no programs */
    bool allow_other;         /* other users may look inside; root's affair, or fuse.conf's */
    bool default_permissions; /* the kernel checks modes itself */
};

struct fuse_transport;

/*
 * Mounts by mount(2) as root, through fusermount otherwise, and serves when it returns; what
 * the handler needs is the caller's until it is closed.
 *
 * RC_IO, RC_NOT_FOUND  it cannot be mounted: no /dev/fuse, no fusermount
 * RC_UNSUPPORTED       the handler refused what the kernel offered in INIT
 * RC_MEMORY
 */
enum rc fuse_transport_open(struct fuse_transport **out, const struct fuse_handler *handler,
                            const struct fuse_mount *mount, struct fault *why);

/* Becomes readable when the face was unmounted and the last thread has ended. */
int fuse_transport_ended_fd(const struct fuse_transport *t);

/* Requests taken so far: a mount where this stands still is idle. */
uint64_t fuse_transport_requests(const struct fuse_transport *t);

/*
 * Tells the kernel something unasked, FUSE_NOTIFY_INVAL_INODE say. Not from within answer():
 * the kernel may hold, for the request that is answered, what it needs for this.
 *
 *   body  len bytes, the structure that belongs to `code`
 *   name  behind it, with its NUL; NULL for none
 *
 * RC_NOT_FOUND  the kernel keeps nothing under that node or name
 * RC_IO
 */
enum rc fuse_transport_notify(struct fuse_transport *t, enum fuse_notify_code code,
                              const void *body, size_t len, const char *name,
                              struct fault *why);

/*
 * Waits for the threads. Where the face is still mounted, the connection is cut first: whoever
 * uses it gets errors. Harmless on NULL.
 */
void fuse_transport_close(struct fuse_transport *t);

#endif
