/*
 * A plain file, shown by keep's own FUSE transport as the file "volume", without a cipher:
 * what a volume is measured against.
 *
 *     bench-null-face FILE DIRECTORY [bulk|rounds]
 *
 * With "bulk" long writes go past the page cache, as those of a mounted volume do. With "rounds" each
 * byte that is read costs what the rounds of AES alone do, where the processor can show that: no cipher
 * can be faster. Prints "ready", and ends when the directory is unmounted.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "keep/mount/fuse_protocol.h"
#include "rounds.h"

enum { DIRECT_LEAST = 128 << 10 }; /* as in keep/volume */

/* A file, whose long writes are direct. */
struct plain {
    struct device device;
    struct device *file;
    bool has_rounds;
};

static struct device *file_of(struct device *d)
{
    return ((struct plain *)(void *)d)->file;
}

static enum rc plain_read(struct device *d, uint64_t offset, void *at, size_t len,
                          struct fault *why)
{
    enum rc rc = device_read(file_of(d), offset, at, len, why);

    if (((struct plain *)(void *)d)->has_rounds)
        rounds_alone(len);
    return rc;
}

static enum rc plain_write(struct device *d, uint64_t offset, const void *at, size_t len,
                           struct fault *why)
{
    return device_write(file_of(d), offset, at, len, why);
}

static enum rc plain_write_over(struct device *d, uint64_t offset, void *at, size_t len,
                                struct fault *why)
{
    if (len < DIRECT_LEAST || (offset | len | (uintptr_t)at) % DEVICE_DIRECT_UNIT != 0)
        return plain_write(d, offset, at, len, why);
    return device_write_direct(file_of(d), offset, at, len, why);
}

static enum rc plain_flush(struct device *d, struct fault *why)
{
    return device_flush(file_of(d), why);
}

static void plain_close(struct device *d)
{
    device_close(file_of(d));
}

static const struct device_kind plain_kind = {
    .name = "plain",
    .read_at = plain_read,
    .write_at = plain_write,
    .write_over = plain_write_over,
    .flush = plain_flush,
    .close = plain_close,
};

int main(int argc, char **argv)
{
    struct plain plain = {.device.kind = &plain_kind};
    struct fuse_face face = {.device = &plain.device,
                             .name = "volume",
                             .owner = geteuid(),
                             .group = getegid(),
                             .bulk = argc == 4 && strcmp(argv[3], "bulk") == 0};
    struct fuse_transport *transport;
    struct fault why;

    if (argc < 3)
        return 2;
    plain.has_rounds = argc == 4 && strcmp(argv[3], "rounds") == 0;
    if (plain.has_rounds && !rounds_are_known())
        return 3;
    if (device_open_file(&plain.file, argv[1], false, DEVICE_UNLOCKED, &why) != RC_OK) {
        fprintf(stderr, "bench-null-face: %s\n", why.text);
        return 1;
    }
    plain.device.size = plain.file->size;
    device_ready_direct(plain.file);
    if (fuse_face_open(&transport, &face, argv[2], &why) != RC_OK) {
        fprintf(stderr, "bench-null-face: %s\n", why.text);
        return 1;
    }
    puts("ready");
    fflush(stdout);
    poll(&(struct pollfd){.fd = fuse_transport_ended_fd(transport), .events = POLLIN}, 1, -1);
    fuse_transport_close(transport);
    device_close(&plain.device);
    return 0;
}
