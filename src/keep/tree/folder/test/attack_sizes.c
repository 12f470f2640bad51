/* The same as attack.c for files of every kind of size, and for directories, names and targets: each byte is changed. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/test/check.h"
#include "keep/tree/folder/content.h"
#include "keep/tree/folder/directory_header.h"
#include "keep/tree/folder/names.h"

enum { LARGEST = 130 * FOLDER_PAGE, GROUP = 64 * FOLDER_PAGE };

static const size_t sizes[] = {
    0,    1,         3919,          3920,      3921,          4095,       4096,
    4097, 62 * 4096, 63 * 4096 - 1, 63 * 4096, 63 * 4096 + 1, 126 * 4096, LARGEST - 1};

static struct folder_keys keys;
static const struct content_rules rules = {.keys = &keys, .disk = &disk_files};
static const uint8_t tag[FOLDER_TAG] = {7}, directory[FOLDER_ID] = {9};
static uint8_t clear[LARGEST], got[LARGEST + FOLDER_PAGE], *good;
static size_t good_len;
static int fd;

static int set_up(void **state)
{
    SCOPED(secret) key = {0};
    const struct folder_format format = {.cipher = "aes-256-gcm"};

    (void)state;
    for (size_t i = 0; i < LARGEST; i++)
        clear[i] = (uint8_t)(i * 7 + i / FOLDER_PAGE + 1);
    fd = memfd_create("attack", MFD_CLOEXEC);
    return secret_alloc(&key, 64, NULL) == RC_OK &&
                   folder_keys_open(&keys, &format, &key, NULL) == RC_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    close(fd);
    folder_keys_clear(&keys);
    return 0;
}

static void make(size_t size)
{
    struct content *c;

    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(content_create(&c, &rules, fd, tag), 0);
    assert_int_equal(content_write(c, fd, clear, size, 0), size);
    assert_int_equal(content_commit(c, fd, true), 0);
    assert_int_equal(content_commit(c, fd, false), 0);
    content_close(c);
    good_len = (size_t)lseek(fd, 0, SEEK_END);
    good = malloc(good_len);
    assert_non_null(good);
    assert_int_equal(pread(fd, good, good_len, 0), good_len);
}

static void put(size_t at, size_t len)
{
    assert_int_equal(pwrite(fd, good + at, len, (off_t)at), len);
}

static void flip(size_t at)
{
    uint8_t byte = good[at] ^ (uint8_t)(1 << at % 8);

    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
}

/* The errno of reading a part of it; what is read is right. */
static int read_part(size_t size, size_t from, size_t len)
{
    struct content *c;
    int error = content_load(&c, &rules, fd);
    ssize_t n;

    if (error != 0)
        return error;
    assert_int_equal(content_size(c), size);
    n = content_read(c, fd, got, len, from);
    if (n >= 0)
        assert_memory_equal(got, clear + from, (size_t)n);
    content_close(c);
    return n < 0 ? (int)n : 0;
}

static void change_pages(size_t size)
{
    for (size_t at = 0; at < FOLDER_PAGE; at++) {
        flip(at);
        assert_int_equal(read_part(size, 0, 1), -EIO);
        put(at, 1);
    }
    for (size_t page = 1; page < good_len / FOLDER_PAGE; page++) {
        size_t group = (page - 1) / 64, place = (page - 1) % 64;
        size_t block = group * 63 + (place > 0 ? place - 1 : 0);

        for (size_t at = page % 7; at < FOLDER_PAGE; at += place == 0 ? 1 : 509) {
            flip(page * FOLDER_PAGE + at);
            assert_int_equal(read_part(size, block * FOLDER_PAGE, 1), -EIO);
            put(page * FOLDER_PAGE + at, 1);
        }
    }
}

static void cut(size_t size)
{
    for (size_t page = 0; page < good_len / FOLDER_PAGE; page++)
        for (int more = -1; more <= 1; more++) {
            if (page == 0 && more < 0)
                continue;
            assert_int_equal(ftruncate(fd, (off_t)(page * FOLDER_PAGE) + more), 0);
            assert_int_not_equal(read_part(size, 0, size), 0);
            put(0, good_len);
        }
}

static void every_size_is_defended(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        make(sizes[i]);
        assert_int_equal(read_part(sizes[i], 0, sizes[i]), 0);
        change_pages(sizes[i]);
        cut(sizes[i]);
        assert_int_equal(read_part(sizes[i], 0, sizes[i]), 0);
        free(good);
    }
}

/* Another file's header, tag page or block at the same place, of each size beside each other. */
static void nothing_of_another_file_fits(void **state)
{
    (void)state;
    for (size_t i = 4; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *other;
        size_t other_len, pages;

        make(sizes[i]);
        other = good;
        other_len = good_len;
        make(sizes[i - 1 - i % 3]);
        pages = (other_len < good_len ? other_len : good_len) / FOLDER_PAGE;
        for (size_t page = 0; page < pages; page++) {
            assert_int_equal(pwrite(fd, other + page * FOLDER_PAGE, FOLDER_PAGE,
                                    (off_t)(page * FOLDER_PAGE)),
                             FOLDER_PAGE);
            if (page > 0)
                assert_int_equal(read_part(sizes[i - 1 - i % 3], 0, LARGEST), -EIO);
            else if (good_len > FOLDER_PAGE) /* all of a small file is its header */
                assert_int_equal(read_part(sizes[i], 0, LARGEST), -EIO);
            put(page * FOLDER_PAGE, FOLDER_PAGE);
        }
        free(good);
        free(other);
    }
}

static void directories_are_defended(void **state)
{
    struct directory_header header = {.bindings.count = 1}, read;
    uint8_t bytes[DIRECTORY_HEADER_SIZE];

    (void)state;
    memcpy(header.id, directory, FOLDER_ID);
    memcpy(header.bindings.tags[0], tag, FOLDER_TAG);
    assert_true(directory_header_seal(&header, &keys, bytes));
    assert_true(directory_header_unseal(&read, &keys, bytes));
    for (size_t at = 0; at < sizeof bytes; at++) {
        bytes[at] ^= (uint8_t)(1 << at % 8);
        assert_false(directory_header_unseal(&read, &keys, bytes));
        bytes[at] ^= (uint8_t)(1 << at % 8);
    }
    assert_true(directory_header_unseal(&read, &keys, bytes));
}

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void names_are_defended(void **state)
{
    char out[NAME_MAX + 1];
    uint8_t found[FOLDER_TAG];

    (void)state;
    for (size_t len = 1; len <= 175; len += 29) {
        struct disk_name name;
        char clear_name[NAME_MAX + 1] = {0};

        memset(clear_name, 'n', len);
        assert_int_equal(name_seal(&keys, directory, clear_name, &name), 0);
        assert_int_equal(name_unseal(&keys, directory, AT_FDCWD, name.text, out, found),
                         NAME_OF_ENTRY);
        assert_string_equal(out, clear_name);
        for (size_t at = 0; name.text[at]; at++) {
            char kept = name.text[at];

            for (size_t i = 0; i < sizeof letters - 1; i++) {
                name.text[at] = letters[i];
                if (letters[i] != kept)
                    assert_int_not_equal(
                        name_unseal(&keys, directory, AT_FDCWD, name.text, out, found),
                        NAME_OF_ENTRY);
            }
            name.text[at] = kept;
        }
    }
}

static void targets_are_defended(void **state)
{
    char sealed[PATH_MAX], out[PATH_MAX];
    size_t len;

    (void)state;
    assert_int_equal(target_seal(&keys, tag, "../somewhere/else", sealed), 0);
    len = strlen(sealed);
    assert_int_equal(target_unseal(&keys, tag, span_of(sealed, len), out), 17);
    assert_int_equal(target_unseal(&keys, directory, span_of(sealed, len), out), -EIO);
    for (size_t at = 0; at < len; at++) {
        char kept = sealed[at];

        for (size_t i = 0; i < sizeof letters - 1; i++) {
            sealed[at] = letters[i];
            if (letters[i] != kept)
                assert_int_equal(target_unseal(&keys, tag, span_of(sealed, len), out), -EIO);
        }
        sealed[at] = kept;
        assert_int_equal(target_unseal(&keys, tag, span_of(sealed, at), out), -EIO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_is_defended),
        cmocka_unit_test(nothing_of_another_file_fits),
        cmocka_unit_test(directories_are_defended),
        cmocka_unit_test(names_are_defended),
        cmocka_unit_test(targets_are_defended),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
