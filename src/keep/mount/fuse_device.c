#include "keep/mount/fuse_device.h"

#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>
#include <unistd.h>

/* At least: one or two may wait for a disk. */
enum { THREADS_MIN = 4, THREADS_MAX = 8, PAGE = 4096, CACHE_LINE = 64 };

/* Beside rings, between two requests that nobody waits for: what comes meanwhile is one
 * BATCH_FORGET then, and wakes no thread. */
enum { GATHER_US = 5000 };

/* A page, whose end takes what stands in front of a WRITE's data, so that the data begin on a
 * page. */
enum { BUFFER_SIZE = PAGE + FUSE_PAYLOAD_MAX, BUFFER_START = PAGE - FUSE_WRITE_HEAD };

struct server {
    alignas(CACHE_LINE) struct fuse_link *link;
    atomic_ulong requests; /* no other thread counts here */
    pthread_t thread;
    uint8_t *buffer;
    bool gathers;
};

struct fuse_device {
    struct fuse_link *link;
    unsigned started, count;
    struct server servers[THREADS_MAX];
};

/* Reads and answers one request; false when the connection is over. */
static bool serve_one(struct server *server)
{
    uint8_t *request = server->buffer + BUFFER_START;
    struct fuse_reply reply;
    ssize_t got = read(server->link->fd, request, FUSE_REQUEST_MAX);

    if (got < 0)
        return errno == EINTR || errno == EAGAIN || errno == ENOENT;
    atomic_fetch_add_explicit(&server->requests, 1, memory_order_relaxed);
    if (fuse_link_answer(server->link, request, (size_t)got, server->buffer + PAGE, &reply) !=
            RC_OK ||
        !fuse_link_send(server->link, &reply))
        return false;
    if (server->gathers && reply.silent)
        usleep(GATHER_US);
    return true;
}

static void *serve(void *of)
{
    struct server *server = of;

    fuse_link_enter();
    while (serve_one(server))
        ;
    fuse_link_leave(server->link);
    return NULL;
}

/* The next one, with its buffer. */
static enum rc add_server(struct fuse_device *device, struct fault *why)
{
    struct server *server = &device->servers[device->count];

    server->link = device->link;
    server->buffer = fuse_link_buffer(device->link, BUFFER_SIZE);
    if (!server->buffer)
        return fail_errno(why, RC_MEMORY, "no memory to serve %s", device->link->directory);
    device->count++;
    return RC_OK;
}

enum rc fuse_device_open(struct fuse_device **out, struct fuse_link *link, struct fault *why)
{
    struct fuse_device *device = aligned_alloc(CACHE_LINE, sizeof *device);
    enum rc rc;

    if (!device)
        return fail(why, RC_MEMORY, "no memory to serve %s", link->directory);
    *device = (struct fuse_device){.link = link};
    rc = add_server(device, why);
    if (rc != RC_OK)
        fuse_device_close(device);
    else
        *out = device;
    return rc;
}

enum rc fuse_device_greet(struct fuse_device *device, struct fault *why)
{
    while (!device->link->ready)
        if (!serve_one(&device->servers[0]))
            return fail(why, RC_UNSUPPORTED, "%s: this kernel's FUSE is too old",
                        device->link->directory);
    return RC_OK;
}

static unsigned thread_count(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    return cpus < THREADS_MIN   ? THREADS_MIN
           : cpus > THREADS_MAX ? THREADS_MAX
                                : (unsigned)cpus;
}

enum rc fuse_device_start(struct fuse_device *device, bool has_rings, struct fault *why)
{
    unsigned wanted = has_rings ? 1 : thread_count();
    enum rc rc;

    while (device->count < wanted)
        if ((rc = add_server(device, why)) != RC_OK)
            return rc;
    for (; device->started < wanted; device->started++) {
        struct server *server = &device->servers[device->started];

        server->gathers = has_rings;
        rc = fuse_link_start(device->link, &server->thread, "fuse-device", serve, server, why);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

uint64_t fuse_device_requests(const struct fuse_device *device)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < device->count; i++)
        sum += atomic_load_explicit(&device->servers[i].requests, memory_order_relaxed);
    return sum;
}

void fuse_device_close(struct fuse_device *device)
{
    if (!device)
        return;
    for (unsigned i = 0; i < device->started; i++)
        pthread_join(device->servers[i].thread, NULL);
    for (unsigned i = 0; i < device->count; i++)
        fuse_link_buffer_free(device->servers[i].buffer, BUFFER_SIZE);
    free(device);
}
