/*
 * A directory with one file in it, in the kernel's FUSE protocol: one request in, one reply
 * out. Does not know how requests travel, so that every transport shares it; never allocates,
 * and may be called from several threads at once.
 * Source: include/uapi/linux/fuse.h.
 */
#ifndef KEEP_MOUNT_FUSE_PROTOCOL_H
#define KEEP_MOUNT_FUSE_PROTOCOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/types.h>

#include "io/device.h"
#include "keep/mount/fuse_transport.h"

struct fuse_face {
    struct device *device; /* the bytes of the file; and its size */
    const char *name;      /* of the file */
    uid_t owner;           /* of file and directory */
    gid_t group;
    uint64_t time; /* of both, seconds since 1970 */
    /* Whoever uses it, as a loop device, has several long requests under way at a time: writes need
     * not be over when the memory of the system has them. */
    bool bulk;
    bool discard;    /* holes that are punched in the file are passed on to the device */
    atomic_int lost; /* errno of the last write or flush that the device failed; 0 for none */
};

/*
 * ioctl(2) on the file: the file or block device below has so many bytes now, and the file follows, as
 * device_follow; all who have the volume open may be told so by its owner alone. EOVERFLOW: it is not as
 * long; EOPNOTSUPP: its size is fixed.
 */
#define FUSE_FACE_FOLLOW _IOW('k', 1, uint64_t)

/* `answer` of its struct fuse_handler; `face` is a struct fuse_face. */
enum rc fuse_answer(void *face, const void *request, size_t len, void *room,
                    struct fuse_reply *reply);

/* Mounts it on `directory` as fuse_transport_open does; the face stays the caller's. */
enum rc fuse_face_open(struct fuse_transport **out, struct fuse_face *face,
                       const char *directory, struct fault *why);

#endif
