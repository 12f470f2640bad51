#include "keep/mount/fuse_device.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/secret.h"
#include "keep/mount/fusermount.h"

enum { THREADS_MIN = 2, THREADS_MAX = 8, PAGE = 4096, READ_AHEAD_KIB = 1024 };

/* A page, whose end takes what stands in front of a WRITE's data, so that the data begin on a
 * page. */
enum { BUFFER_SIZE = PAGE + FUSE_PAYLOAD_MAX, BUFFER_START = PAGE - FUSE_WRITE_HEAD };

struct server {
    struct fuse_device *device;
    pthread_t thread;
    uint8_t *buffer;
};

struct fuse_device {
    struct fuse_face *face;
    char directory[4096];
    int fd, ended;
    unsigned started, count;
    atomic_uint running;
    struct server servers[THREADS_MAX];
};

/* False when the connection is over. */
static bool send_reply(int fd, struct fuse_reply *reply)
{
    struct iovec pieces[] = {
        {&reply->head, sizeof reply->head},
        {&reply->body, reply->body_len},
        {(void *)(uintptr_t)reply->data, reply->data_len},
    };

    if (reply->silent)
        return true;
    /* ENOENT: whoever asked was interrupted, and waits no more. */
    return writev(fd, pieces, 3) >= 0 || errno == ENOENT || errno == EINTR;
}

/* Reads and answers one request; false when the connection is over. */
static bool serve_one(struct fuse_device *device, uint8_t *buffer)
{
    uint8_t *request = buffer + BUFFER_START;
    struct fuse_reply reply;
    ssize_t got = read(device->fd, request, FUSE_REQUEST_MAX);

    if (got < 0)
        return errno == EINTR || errno == EAGAIN || errno == ENOENT;
    if (fuse_answer(device->face, request, (size_t)got, buffer + PAGE, &reply) != RC_OK)
        return false;
    return send_reply(device->fd, &reply);
}

static void *serve(void *of)
{
    struct server *server = of;
    struct fuse_device *device = server->device;

    prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0); /* where it is permitted: root mounts on top of us */
    while (serve_one(device, server->buffer))
        ;
    if (atomic_fetch_sub(&device->running, 1) == 1)
        eventfd_write(device->ended, 1);
    return NULL;
}

static enum rc make_buffers(struct fuse_device *device, struct fault *why)
{
    for (unsigned i = 0; i < device->count; i++) {
        uint8_t *buffer = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

        if (buffer == MAP_FAILED)
            return fail_errno(why, RC_MEMORY, "no memory to serve %s", device->directory);
        mlock(buffer, BUFFER_SIZE); /* where it is permitted */
        madvise(buffer, BUFFER_SIZE, MADV_DONTDUMP);
        device->servers[i].device = device;
        device->servers[i].buffer = buffer;
    }
    return RC_OK;
}

static enum rc mount_as_root(struct fuse_device *device, struct fault *why)
{
    char options[128];
    unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

    device->fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (device->fd < 0)
        return fail_errno(why, RC_IO,
                          "/dev/fuse: the kernel's fuse module is needed (modprobe fuse)");
    snprintf(options, sizeof options,
             "fd=%d,rootmode=40000,user_id=%u,group_id=%u,max_read=%d", device->fd, geteuid(),
             getegid(), (int)FUSE_PAYLOAD_MAX);
    if (device->face->device->read_only)
        flags |= MS_RDONLY;
    if (mount("keep", device->directory, "fuse.keep", flags, options) < 0)
        return fail_errno(why, RC_IO, "%s: cannot be mounted on", device->directory);
    return RC_OK;
}

static enum rc mount_as_user(struct fuse_device *device, struct fault *why)
{
    char options[128];
    enum rc rc;

    snprintf(options, sizeof options,
             "%s,nosuid,nodev,noexec,fsname=keep,subtype=keep,max_read=%d",
             device->face->device->read_only ? "ro" : "rw", (int)FUSE_PAYLOAD_MAX);
    rc = fusermount_mount(device->directory, options, &device->fd, why);
    return rc == RC_OK ? RC_OK : fault_at(why, "%s", device->directory);
}

/* The kernel reads 128 KiB ahead whatever INIT says; root may ask for more. */
static void read_further_ahead(const char *directory)
{
    char path[64];
    struct stat about;
    int fd;

    if (stat(directory, &about) < 0)
        return;
    snprintf(path, sizeof path, "/sys/class/bdi/%u:%u/read_ahead_kb", major(about.st_dev),
             minor(about.st_dev));
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    dprintf(fd, "%d", (int)READ_AHEAD_KIB);
    close(fd);
}

static enum rc start(struct fuse_device *device, struct fault *why)
{
    while (!atomic_load(&device->face->ready))
        if (!serve_one(device, device->servers[0].buffer))
            return fail(why, RC_UNSUPPORTED, "%s: this kernel's FUSE is too old",
                        device->directory);
    atomic_store(&device->running, device->count);
    for (; device->started < device->count; device->started++) {
        struct server *server = &device->servers[device->started];
        int error = pthread_create(&server->thread, NULL, serve, server);

        if (error != 0) {
            errno = error;
            return fail_errno(why, RC_MEMORY, "%s: no thread to serve it", device->directory);
        }
    }
    return RC_OK;
}

static unsigned thread_count(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    return cpus < THREADS_MIN   ? THREADS_MIN
           : cpus > THREADS_MAX ? THREADS_MAX
                                : (unsigned)cpus;
}

enum rc fuse_device_open(struct fuse_device **out, struct fuse_face *face,
                         const char *directory, struct fault *why)
{
    struct fuse_device *device = calloc(1, sizeof *device);
    enum rc rc;

    if (!device)
        return fail(why, RC_MEMORY, "no memory to serve %s", directory);
    device->face = face;
    device->fd = -1;
    device->count = thread_count();
    snprintf(device->directory, sizeof device->directory, "%s", directory);
    device->ended = eventfd(0, EFD_CLOEXEC);
    if (device->ended < 0)
        rc = fail_errno(why, RC_IO, "%s: no event", directory);
    else if ((rc = make_buffers(device, why)) == RC_OK)
        rc = geteuid() == 0 ? mount_as_root(device, why) : mount_as_user(device, why);
    if (rc == RC_OK)
        rc = start(device, why);
    if (rc != RC_OK) {
        fuse_device_close(device);
        return rc;
    }
    if (geteuid() == 0)
        read_further_ahead(directory);
    *out = device;
    return RC_OK;
}

int fuse_device_ended_fd(const struct fuse_device *device)
{
    return device->ended;
}

/* Unmounts the face, at once also where it is used: the connection ends, and so do the
 * threads. */
static void cut(struct fuse_device *device)
{
    if (geteuid() == 0)
        umount2(device->directory, MNT_DETACH | MNT_FORCE | UMOUNT_NOFOLLOW);
    else
        (void)fusermount_unmount(device->directory, NULL);
}

void fuse_device_close(struct fuse_device *device)
{
    if (!device)
        return;
    if (device->started > 0 && atomic_load(&device->running) > 0)
        cut(device);
    for (unsigned i = 0; i < device->started; i++)
        pthread_join(device->servers[i].thread, NULL);
    if (device->started == 0 && device->fd >= 0)
        cut(device);
    if (device->fd >= 0)
        close(device->fd);
    for (unsigned i = 0; i < device->count; i++)
        if (device->servers[i].buffer) {
            wipe(device->servers[i].buffer, BUFFER_SIZE);
            munmap(device->servers[i].buffer, BUFFER_SIZE);
        }
    if (device->ended >= 0)
        close(device->ended);
    free(device);
}
