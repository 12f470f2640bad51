/*
 * A disk in memory, as one file in a FUSE mount, that records what is written to it and when it is flushed, so
 * that tests can make of it what a power cut leaves. Never installed.
 *
 * The record is one entry after another: offset and length, 8 bytes each (little endian), and the bytes. An
 * offset of all ones is a flush.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bytes.h"
#include "keep/mount/fuse_protocol.h"

struct recorded {
    struct device device;
    uint8_t *bytes;
    int record;
    pthread_mutex_t lock;
};

static struct recorded *recorded_of(struct device *d)
{
    return (struct recorded *)(void *)d;
}

static enum rc record(struct recorded *r, uint64_t offset, const void *at, size_t len,
                      struct fault *why)
{
    uint8_t head[16];
    struct iovec parts[] = {{head, sizeof head}, {(void *)(uintptr_t)at, len}};

    le64_put(head, offset);
    le64_put(head + 8, len);
    return writev(r->record, parts, 2) == (ssize_t)(sizeof head + len)
               ? RC_OK
               : fail_errno(why, RC_IO, "the record");
}

static enum rc read_at(struct device *d, uint64_t offset, void *at, size_t len,
                       struct fault *why)
{
    struct recorded *r = recorded_of(d);

    (void)why;
    pthread_mutex_lock(&r->lock);
    memcpy(at, r->bytes + offset, len);
    pthread_mutex_unlock(&r->lock);
    return RC_OK;
}

static enum rc write_at(struct device *d, uint64_t offset, const void *at, size_t len,
                        struct fault *why)
{
    struct recorded *r = recorded_of(d);
    enum rc rc;

    pthread_mutex_lock(&r->lock);
    memcpy(r->bytes + offset, at, len);
    rc = record(r, offset, at, len, why);
    pthread_mutex_unlock(&r->lock);
    return rc;
}

static enum rc flush(struct device *d, struct fault *why)
{
    struct recorded *r = recorded_of(d);
    enum rc rc;

    pthread_mutex_lock(&r->lock);
    rc = record(r, UINT64_MAX, NULL, 0, why);
    pthread_mutex_unlock(&r->lock);
    return rc;
}

static const struct device_kind kind = {
    .name = "recorded", .read_at = read_at, .write_at = write_at, .flush = flush};

static int hold_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static int serve(struct fuse_transport *transport, int signals)
{
    struct pollfd events[2] = {{.fd = fuse_transport_ended_fd(transport), .events = POLLIN},
                               {.fd = signals, .events = POLLIN}};

    puts("mounted");
    fflush(stdout);
    while (!(events[0].revents & POLLIN) && !(events[1].revents & POLLIN))
        (void)poll(events, 2, -1);
    return 0;
}

static int run(const char *image, const char *at, const char *path)
{
    struct recorded r = {.device.kind = &kind, .lock = PTHREAD_MUTEX_INITIALIZER};
    struct fuse_face face = {.device = &r.device, .name = "disk", .owner = geteuid()};
    struct fuse_transport *transport = NULL;
    struct fault why = {0};
    struct stat about;
    int fd = open(image, O_RDONLY | O_CLOEXEC), signals = hold_signals(), status = 1;

    r.record = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || r.record < 0 || fstat(fd, &about) < 0)
        return 1;
    r.device.size = (uint64_t)about.st_size;
    r.bytes = mmap(NULL, r.device.size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (r.bytes == MAP_FAILED)
        return 1;
    if (fuse_face_open(&transport, &face, at, &why) == RC_OK)
        status = serve(transport, signals);
    else
        fprintf(stderr, "recorded_disk: %s\n", why.text);
    fuse_transport_close(transport);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: recorded_disk IMAGE MOUNTPOINT RECORD\n");
        return 2;
    }
    return run(argv[1], argv[2], argv[3]);
}
