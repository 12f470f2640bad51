/* Somebody changes the file below without its key: reading it fails, or gives what is in it. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/test/check.h"
#include "keep/tree/folder/content.h"

enum { SIZE = 700000, PAGES = 175, GROUP = 64 * FOLDER_PAGE, HOLE = 80 * FOLDER_PAGE };

static struct folder_keys keys;
static struct content_rules rules = {.keys = &keys, .disk = &disk_files};
static const uint8_t tag[FOLDER_TAG] = {7};
static uint8_t clear[SIZE], older[SIZE], other[SIZE], got[SIZE + FOLDER_PAGE];
static uint8_t *good, *old, *foreign; /* the bytes below of each */
static size_t good_len;
static int fd;

static void fill(uint8_t *out, uint32_t seed)
{
    for (size_t i = 0; i < SIZE; i++) {
        seed = seed * 1664525 + 1013904223;
        out[i] = (uint8_t)(seed >> 24);
    }
    memset(out + HOLE, 0, 20 * FOLDER_PAGE);
}

static uint8_t *snapshot(size_t *len)
{
    off_t size = lseek(fd, 0, SEEK_END);
    uint8_t *bytes = malloc((size_t)size);

    assert_non_null(bytes);
    assert_int_equal(pread(fd, bytes, (size_t)size, 0), size);
    *len = (size_t)size;
    return bytes;
}

static void put(struct content *c, const uint8_t *bytes)
{
    assert_int_equal(content_write(c, fd, bytes, HOLE, 0), HOLE);
    assert_int_equal(content_write(c, fd, bytes + HOLE + 20 * FOLDER_PAGE,
                                   SIZE - HOLE - 20 * FOLDER_PAGE, HOLE + 20 * FOLDER_PAGE),
                     SIZE - HOLE - 20 * FOLDER_PAGE);
    assert_int_equal(content_commit(c, fd, true), 0);
    assert_int_equal(content_commit(c, fd, false), 0);
    assert_true(content_is_settled(c));
}

static int set_up(void **state)
{
    SCOPED(secret) key = {0};
    const struct folder_format format = {.cipher = "aes-256-gcm"};
    struct content *c;
    size_t len;

    (void)state;
    if (secret_alloc(&key, 64, NULL) != RC_OK ||
        folder_keys_open(&keys, &format, &key, NULL) != RC_OK)
        return -1;
    fd = memfd_create("attack", MFD_CLOEXEC);
    fill(clear, 1);
    fill(older, 2);
    fill(other, 3);
    assert_int_equal(content_create(&c, &rules, fd, tag), 0);
    put(c, other);
    content_close(c);
    foreign = snapshot(&len);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(content_create(&c, &rules, fd, tag), 0);
    put(c, older);
    old = snapshot(&len);
    put(c, clear);
    content_close(c);
    good = snapshot(&good_len);
    assert_int_equal(len, good_len);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(good);
    free(old);
    free(foreign);
    close(fd);
    folder_keys_clear(&keys);
    return 0;
}

static void restore(void)
{
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, good, good_len, 0), good_len);
}

/* All of the file, group by group as programs read: how many bytes are `expected`, or -1 for others. */
static ssize_t read_all(const uint8_t *expected)
{
    struct content *c;
    ssize_t right = 0;

    if (content_load(&c, &rules, fd) != 0)
        return 0;
    assert_true(content_size(c) == SIZE);
    for (size_t at = 0; at < SIZE; at += FOLDER_PAGE) {
        size_t len = SIZE - at < FOLDER_PAGE ? SIZE - at : FOLDER_PAGE;
        ssize_t n = content_read(c, fd, got, FOLDER_PAGE, at);

        if (n == -EIO)
            continue;
        assert_int_equal(n, len);
        if (memcmp(got, expected + at, len) != 0) {
            content_close(c);
            return -1;
        }
        right += n;
    }
    content_close(c);
    return right;
}

/* A part of it cannot be read, and all that can is right. */
static void assert_found_out(void)
{
    ssize_t right = read_all(clear);

    assert_true(right >= 0 && right < SIZE);
}

static void flip(size_t at)
{
    uint8_t byte = good[at] ^ (uint8_t)(1 << at % 8);

    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
    assert_found_out();
    assert_int_equal(pwrite(fd, good + at, 1, (off_t)at), 1);
}

static bool is_hole(size_t page)
{
    size_t group = (page - 1) / 64, place = (page - 1) % 64, block = group * 63 + place - 1;

    return place > 0 && block >= HOLE / FOLDER_PAGE && block < HOLE / FOLDER_PAGE + 20;
}

static void every_changed_byte_is_found(void **state)
{
    (void)state;
    restore();
    assert_int_equal(read_all(clear), SIZE);
    for (size_t at = 0; at < FOLDER_PAGE; at++)
        flip(at);
    for (size_t group = 0; group < 3; group++)
        for (size_t at = 0; at < FOLDER_PAGE; at += 3)
            flip(FOLDER_PAGE + group * GROUP + at);
    for (size_t page = 1; page < good_len / FOLDER_PAGE; page++)
        for (size_t at = page % 97; at < FOLDER_PAGE && !is_hole(page); at += 997)
            flip(page * FOLDER_PAGE + at);
    assert_int_equal(read_all(clear), SIZE);
}

static void copy_page(size_t to, const uint8_t *from)
{
    assert_int_equal(pwrite(fd, from, FOLDER_PAGE, (off_t)(to * FOLDER_PAGE)), FOLDER_PAGE);
}

static void blocks_that_were_moved_are_found(void **state)
{
    (void)state;
    restore();
    for (size_t a = 1; a < 70; a++) {
        size_t b = a + 1 + a % 40;

        copy_page(a, good + b * FOLDER_PAGE);
        copy_page(b, good + a * FOLDER_PAGE);
        assert_found_out();
        restore();
    }
    /* Whole groups change places. */
    assert_int_equal(pwrite(fd, good + FOLDER_PAGE, GROUP, FOLDER_PAGE + GROUP), GROUP);
    assert_found_out();
    restore();
}

static void old_and_foreign_blocks_are_found(void **state)
{
    (void)state;
    for (size_t page = 1; page < good_len / FOLDER_PAGE; page++) {
        if (is_hole(page))
            continue;
        restore();
        copy_page(page, old + page * FOLDER_PAGE);
        assert_found_out();
        copy_page(page, foreign + page * FOLDER_PAGE);
        assert_found_out();
    }
    restore();
    copy_page(0, foreign);
    assert_int_equal(read_all(clear), 0);
}

/* What docs/formats/folder.md says that can be done: a group as it was, with its tag page. */
static void an_old_group_is_authentic(void **state)
{
    static uint8_t mixed[SIZE];

    (void)state;
    restore();
    assert_int_equal(pwrite(fd, old + FOLDER_PAGE, GROUP, FOLDER_PAGE), GROUP);
    memcpy(mixed, clear, SIZE);
    memcpy(mixed, older, 63 * FOLDER_PAGE);
    assert_int_equal(read_all(mixed), SIZE);
    restore();
}

static void cuts_and_holes_are_found(void **state)
{
    static const uint8_t zeros[FOLDER_PAGE];

    (void)state;
    for (size_t len = 0; len < good_len; len += 2048) {
        restore();
        assert_int_equal(ftruncate(fd, (off_t)len), 0);
        assert_found_out();
    }
    for (size_t page = 0; page < good_len / FOLDER_PAGE; page++) {
        if (is_hole(page))
            continue;
        restore();
        copy_page(page, zeros);
        assert_found_out();
    }
    restore();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_changed_byte_is_found),
        cmocka_unit_test(blocks_that_were_moved_are_found),
        cmocka_unit_test(old_and_foreign_blocks_are_found),
        cmocka_unit_test(an_old_group_is_authentic),
        cmocka_unit_test(cuts_and_holes_are_found),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
