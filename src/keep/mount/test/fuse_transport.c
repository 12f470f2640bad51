/* A face in this process, mounted by the kernel: for root, and where there is a /dev/fuse. */
#include "keep/mount/fuse_transport.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/test/check.h"
#include "keep/mount/fuse_protocol.h"

enum { SIZE = 64 << 10, FILE_NODE = 2 };

struct fixture {
    uint8_t bytes[SIZE];
    struct fuse_face face;
    struct fuse_transport *transport;
    char directory[32], file[64];
    bool is_mounted;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    if (!f)
        return -1;
    *state = f;
    f->face = (struct fuse_face){.name = "file"};
    snprintf(f->directory, sizeof f->directory, "/tmp/keepgate-test-XXXXXX");
    if (device_open_memory(&f->face.device, f->bytes, SIZE, NULL) != RC_OK ||
        !mkdtemp(f->directory))
        return -1;
    snprintf(f->file, sizeof f->file, "%s/file", f->directory);
    f->is_mounted = geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0 &&
                    fuse_face_open(&f->transport, &f->face, f->directory, NULL) == RC_OK;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    fuse_transport_close(f->transport);
    device_close(f->face.device);
    rmdir(f->directory);
    free(f);
    return 0;
}

static bool has_ended(const struct fixture *f)
{
    struct pollfd ended = {.fd = fuse_transport_ended_fd(f->transport), .events = POLLIN};

    return poll(&ended, 1, 0) == 1;
}

static uint8_t byte_at(int fd, off_t offset)
{
    uint8_t byte;

    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    return byte;
}

/* The kernel orders these with what the threads do, and ThreadSanitizer does not know it. */
#define ORDERED_BY_KERNEL __attribute__((no_sanitize("thread"), noinline)) static

ORDERED_BY_KERNEL void put(struct fixture *f, size_t at, uint8_t byte)
{
    f->bytes[at] = byte;
}

ORDERED_BY_KERNEL uint8_t get(const struct fixture *f, size_t at)
{
    return f->bytes[at];
}

/* The kernel keeps what it has read until it is told. */
static void the_kernel_is_told_of_changes(void **state)
{
    struct fixture *f = *state;
    struct fuse_notify_inval_inode_out whole = {.ino = FILE_NODE}, nobody = {.ino = 77};
    struct fuse_notify_inval_entry_out entry = {.parent = FUSE_ROOT_ID, .namelen = 4};
    uint64_t before;
    int fd;

    if (!f->is_mounted)
        skip();
    fd = open(f->file, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(byte_at(fd, 5000), 0);
    put(f, 5000, 9);
    before = fuse_transport_requests(f->transport);
    assert_int_equal(byte_at(fd, 5000), 0);
    assert_int_equal(fuse_transport_requests(f->transport), before);
    assert_int_equal(fuse_transport_notify(f->transport, FUSE_NOTIFY_INVAL_INODE, &whole,
                                           sizeof whole, NULL, NULL),
                     RC_OK);
    assert_int_equal(byte_at(fd, 5000), 9);
    assert_true(fuse_transport_requests(f->transport) > before);
    assert_int_equal(fuse_transport_notify(f->transport, FUSE_NOTIFY_INVAL_INODE, &nobody,
                                           sizeof nobody, NULL, NULL),
                     RC_NOT_FOUND);
    assert_int_equal(fuse_transport_notify(f->transport, FUSE_NOTIFY_INVAL_ENTRY, &entry,
                                           sizeof entry, "file", NULL),
                     RC_OK);
    close(fd);
}

static void an_unmount_ends_it(void **state)
{
    struct fixture *f = *state;
    struct pollfd ended = {.events = POLLIN};

    if (!f->is_mounted)
        skip();
    assert_false(has_ended(f));
    ended.fd = fuse_transport_ended_fd(f->transport);
    assert_int_equal(umount2(f->directory, 0), 0);
    assert_int_equal(poll(&ended, 1, 20000), 1);
}

static void closing_cuts_whoever_uses_it(void **state)
{
    struct fixture *f = *state;
    uint8_t byte;
    int fd;

    if (!f->is_mounted)
        skip();
    fd = open(f->file, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "x", 1, 100), 1);
    assert_int_equal(get(f, 100), 'x');
    fuse_transport_close(f->transport);
    f->transport = NULL;
    assert_int_equal(pread(fd, &byte, 1, 50000), -1);
    assert_int_equal(access(f->file, F_OK), -1);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_kernel_is_told_of_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unmount_ends_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closing_cuts_whoever_uses_it, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
