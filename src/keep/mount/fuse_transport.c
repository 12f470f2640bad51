#include "keep/mount/fuse_transport.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "keep/mount/fuse_device.h"
#include "keep/mount/fuse_mount.h"
#include "keep/mount/fuse_ring.h"

struct fuse_transport {
    struct fuse_link link;
    struct fuse_device *device;
    struct fuse_ring *ring; /* NULL: none */
    bool begun; /* from then on the last thread ends when it is unmounted, and not before */
    char directory[PATH_MAX];
};

/* Buffers first: nothing is allocated any more once somebody may write to what is mounted. */
static enum rc make_room(struct fuse_transport *t, bool with_rings, struct fault *why)
{
    t->link.ended = eventfd(0, EFD_CLOEXEC);
    if (t->link.ended < 0)
        return fail_errno(why, RC_IO, "%s: no event", t->directory);
    if (with_rings && fuse_ring_is_offered() &&
        fuse_ring_open(&t->ring, &t->link, NULL) != RC_OK)
        t->ring = NULL; /* then without */
    return fuse_device_open(&t->device, &t->link, why);
}

/* RC_AGAIN: the rings failed when the kernel had been told of them, and waits for them. */
static enum rc begin(struct fuse_transport *t, const struct fuse_mount *mount, bool with_rings,
                     struct fault *why)
{
    enum rc rc;

    t->link.fd = t->link.ended = -1;
    if ((rc = make_room(t, with_rings, why)) ||
        (rc = fuse_mount_open(mount, &t->link.fd, why)) ||
        (rc = fuse_device_greet(t->device, why)))
        return rc;
    if (t->link.has_rings && fuse_ring_start(t->ring, why) != RC_OK)
        return RC_AGAIN;
    rc = fuse_device_start(t->device, t->link.has_rings, why);
    t->begun = rc == RC_OK;
    return rc;
}

/* Undoes it, as far as it went. Threads end with the connection. */
static void end(struct fuse_transport *t)
{
    if (t->link.fd >= 0 && (!t->begun || atomic_load(&t->link.running) > 0))
        fuse_mount_cut(t->directory);
    fuse_ring_close(t->ring);
    fuse_device_close(t->device);
    if (t->link.fd >= 0)
        close(t->link.fd);
    if (t->link.ended >= 0)
        close(t->link.ended);
}

enum rc fuse_transport_open(struct fuse_transport **out, const struct fuse_handler *handler,
                            const struct fuse_mount *mount, struct fault *why)
{
    struct fuse_transport *t = calloc(1, sizeof *t);
    enum rc rc = RC_AGAIN;

    if (!t)
        return fail(why, RC_MEMORY, "no memory to serve %s", mount->directory);
    for (int attempt = 0; attempt < 2 && rc == RC_AGAIN; attempt++) {
        *t = (struct fuse_transport){.link = {.handler = *handler, .directory = t->directory}};
        snprintf(t->directory, sizeof t->directory, "%s", mount->directory);
        rc = begin(t, mount, attempt == 0, why);
        if (rc != RC_OK)
            end(t);
    }
    if (rc != RC_OK) {
        free(t);
        return rc;
    }
    fuse_mount_read_further_ahead(t->directory);
    *out = t;
    return RC_OK;
}

int fuse_transport_ended_fd(const struct fuse_transport *t)
{
    return t->link.ended;
}

uint64_t fuse_transport_requests(const struct fuse_transport *t)
{
    return fuse_device_requests(t->device) + (t->ring ? fuse_ring_requests(t->ring) : 0);
}

enum rc fuse_transport_notify(struct fuse_transport *t, enum fuse_notify_code code,
                              const void *body, size_t len, const char *name,
                              struct fault *why)
{
    size_t name_len = name ? strlen(name) + 1 : 0;
    struct fuse_out_header head = {.len = (uint32_t)(sizeof head + len + name_len),
                                   .error = (int32_t)code};
    struct iovec pieces[] = {{&head, sizeof head},
                             {(void *)(uintptr_t)body, len},
                             {(void *)(uintptr_t)name, name_len}};

    if (writev(t->link.fd, pieces, 3) >= 0)
        return RC_OK;
    return fail_errno(why, errno == ENOENT ? RC_NOT_FOUND : RC_IO,
                      "%s: the kernel was not told of a change", t->directory);
}

void fuse_transport_close(struct fuse_transport *t)
{
    if (!t)
        return;
    end(t);
    free(t);
}
