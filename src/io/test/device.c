#include "io/device.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test/check.h"
#include "io/device_signature.h"

static char path[] = "/tmp/keepgate-device-XXXXXX";

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    if (fd < 0 || ftruncate(fd, 65536) != 0)
        return -1;
    return close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

/* offset, length and what a device of 1000 bytes says to them */
static const struct {
    const char *what;
    uint64_t offset;
    size_t len;
    enum rc rc;
} ranges[] = {
    {"all", 0, 1000, RC_OK},
    {"nothing at the end", 1000, 0, RC_OK},
    {"nothing behind the end", 1001, 0, RC_FORMAT},
    {"one too many", 1, 1000, RC_FORMAT},
    {"wraps", UINT64_MAX, 2, RC_FORMAT},
    {"wraps at its length", 8, SIZE_MAX - 4, RC_FORMAT},
};

static void every_range(void **state)
{
    static uint8_t bytes[1000], got[1000];
    struct device *d;

    (void)state;
    assert_int_equal(device_open_memory(&d, bytes, sizeof bytes, NULL), RC_OK);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        check(ranges[i].what,
              device_read(d, ranges[i].offset, got, ranges[i].len, NULL) == ranges[i].rc);
        check(ranges[i].what,
              device_write(d, ranges[i].offset, got, ranges[i].len, NULL) == ranges[i].rc);
        check(ranges[i].what,
              device_discard(d, ranges[i].offset, ranges[i].len, NULL) == ranges[i].rc);
    }
    assert_int_equal(device_fd(d), -1);
    device_close(d);
    device_close(NULL);
}

static void file_keeps_what_was_written(void **state)
{
    struct device *d;
    char got[5];

    (void)state;
    assert_int_equal(device_open_file(&d, path, false, DEVICE_EXCLUSIVE, NULL), RC_OK);
    assert_int_equal(d->size, 65536);
    assert_int_equal(device_write(d, 4094, "keep", 5, NULL), RC_OK);
    assert_int_equal(device_flush(d, NULL), RC_OK);
    device_close(d);
    assert_int_equal(device_open_file(&d, path, true, DEVICE_SHARED, NULL), RC_OK);
    assert_int_equal(device_read(d, 4094, got, 5, NULL), RC_OK);
    assert_string_equal(got, "keep");
    assert_int_equal(device_write(d, 0, "x", 1, NULL), RC_DENIED);
    device_close(d);
}

/* What is written past the system's memory is seen by ordinary reads, and the other way round. Where
 * it is refused, as at odd places, it is written all the same, and never tried again. */
static void direct_writes_keep_in_step_and_may_be_refused(void **state)
{
    enum { PAGE = DEVICE_DIRECT_UNIT };
    uint8_t *page = aligned_alloc(PAGE, 2 * PAGE), got[2 * PAGE];
    struct device *d;
    bool offered;

    (void)state;
    assert_non_null(page);
    assert_int_equal(device_open_file(&d, path, false, DEVICE_UNLOCKED, NULL), RC_OK);
    assert_false(device_is_direct(d));
    device_ready_direct(d);
    offered = device_is_direct(d); /* not by every file system */
    for (int i = 1; i <= 3; i++) {
        memset(page, i, 2 * PAGE);
        assert_int_equal(device_write(d, PAGE + 7, "cache", 5, NULL), RC_OK);
        assert_int_equal(device_write_direct(d, PAGE, page, 2 * PAGE, NULL), RC_OK);
        assert_int_equal(device_read(d, PAGE, got, 2 * PAGE, NULL), RC_OK);
        assert_memory_equal(got, page, 2 * PAGE);
    }
    assert_int_equal(device_is_direct(d), offered);
    assert_int_equal(device_write_direct(d, PAGE + 3, page + 1, PAGE, NULL), RC_OK);
    assert_false(device_is_direct(d));
    assert_int_equal(device_write_direct(d, 3 * PAGE, page, PAGE, NULL), RC_OK);
    assert_int_equal(device_read(d, 3 * PAGE, got, PAGE, NULL), RC_OK);
    assert_memory_equal(got, page, PAGE);
    assert_int_equal(device_write_direct(d, d->size - PAGE, page, 2 * PAGE, NULL), RC_FORMAT);
    assert_int_equal(device_flush(d, NULL), RC_OK);
    device_close(d);
    assert_int_equal(device_open_file(&d, path, true, DEVICE_UNLOCKED, NULL), RC_OK);
    device_ready_direct(d);
    assert_false(device_is_direct(d));
    assert_int_equal(device_write_direct(d, 0, page, PAGE, NULL), RC_DENIED);
    device_close(d);
    free(page);
}

static void locks_keep_others_out(void **state)
{
    struct device *first, *second;
    struct fault why;

    (void)state;
    assert_int_equal(device_open_file(&first, path, true, DEVICE_SHARED, NULL), RC_OK);
    assert_int_equal(device_open_file(&second, path, true, DEVICE_SHARED, NULL), RC_OK);
    device_close(second);
    assert_int_equal(device_open_file(&second, path, false, DEVICE_EXCLUSIVE, &why), RC_BUSY);
    assert_non_null(strstr(why.text, path));
    device_close(first);
    assert_int_equal(device_open_file(&second, path, false, DEVICE_EXCLUSIVE, NULL), RC_OK);
    device_close(second);
}

static void what_is_no_device(void **state)
{
    struct device *d;

    (void)state;
    assert_int_equal(device_open_file(&d, "/dev/null", true, DEVICE_UNLOCKED, NULL),
                     RC_FORMAT);
    assert_int_equal(device_open_file(&d, "/tmp", true, DEVICE_UNLOCKED, NULL), RC_FORMAT);
    assert_int_equal(device_open_file(&d, "/nowhere/at/all", true, DEVICE_UNLOCKED, NULL),
                     RC_NOT_FOUND);
}

static void signatures(void **state)
{
    char name[DEVICE_SIGNATURE_SIZE];
    uint8_t swap[10] = "SWAPSPACE2";
    uint32_t version = 1, last_page = 15;
    struct device *d;

    (void)state;
    assert_int_equal(device_open_file(&d, path, false, DEVICE_UNLOCKED, NULL), RC_OK);
    assert_int_equal(device_signature(d, name, NULL), RC_OK);
    assert_string_equal(name, "");
    assert_int_equal(device_write(d, 4096 - sizeof swap, swap, sizeof swap, NULL), RC_OK);
    assert_int_equal(device_write(d, 1024, &version, sizeof version, NULL), RC_OK);
    assert_int_equal(device_write(d, 1028, &last_page, sizeof last_page, NULL), RC_OK);
    assert_int_equal(device_signature(d, name, NULL), RC_OK);
    assert_string_equal(name, "swap");
    device_close(d);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(every_range),
        cmocka_unit_test(file_keeps_what_was_written),
        cmocka_unit_test(direct_writes_keep_in_step_and_may_be_refused),
        cmocka_unit_test(locks_keep_others_out),
        cmocka_unit_test(what_is_no_device),
        cmocka_unit_test(signatures)};

    return cmocka_run_group_tests(all, make_file, remove_file);
}
