/* An open volume from its mount to its end: the spine of the daemon. */
#ifndef KEEP_MOUNT_SERVE_H
#define KEEP_MOUNT_SERVE_H

#include <stdint.h>

#include "io/device.h"
#include "keep/mount/daemon.h"
#include "keep/mount/record.h"

struct serve {
    struct record *record; /* begun; says where to mount and how */
    struct device *device; /* the decrypted bytes; closed by serve_volume in any case */
    uint32_t sector_size;  /* of the volume */
    bool discard;          /* pass discards on */
    uint64_t idle_ms;      /* closed when it was not used for so long; 0: never */
    struct daemon *daemon; /* whom to report to */
    int helper_status;     /* of fuse2fs, as waitpid(2) has it; for serve_volume alone */
    void (*mounted)(const struct record *record); /* called once all is mounted */
};

/* What the file in the face is called. */
#define SERVE_FILE "volume"

/*
 * Mounts, reports, and returns when it was unmounted or, some time after SIGTERM or SIGINT, could be.
 * All bytes written before are then on the medium, or the failure says that they are not, also
 * where it was told to a writer before: a file system may have kept it to itself.
 */
enum rc serve_volume(struct serve *serve, struct fault *why);

/* The same on a socket, for clients of NBD: it returns after a signal, once nobody is connected. */
enum rc serve_nbd(struct serve *serve, struct fault *why);

#endif
