/*
 * A plain file, shown by keep's own FUSE transport as the file "volume", without a cipher:
 * what a volume is measured against.
 *
 *     bench-null-face FILE DIRECTORY
 *
 * Prints "ready", and ends when the directory is unmounted.
 */
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "keep/mount/fuse_protocol.h"

int main(int argc, char **argv)
{
    struct fuse_face face = {.name = "volume", .owner = geteuid(), .group = getegid()};
    struct fuse_transport *transport;
    struct fault why;

    if (argc != 3)
        return 2;
    if (device_open_file(&face.device, argv[1], false, DEVICE_UNLOCKED, &why) != RC_OK ||
        fuse_face_open(&transport, &face, argv[2], &why) != RC_OK) {
        fprintf(stderr, "bench-null-face: %s\n", why.text);
        return 1;
    }
    puts("ready");
    fflush(stdout);
    poll(&(struct pollfd){.fd = fuse_transport_ended_fd(transport), .events = POLLIN}, 1, -1);
    fuse_transport_close(transport);
    device_close(face.device);
    return 0;
}
