/* How much of one file is held in memory, however it is written. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/test/check.h"
#include "keep/tree/folder/content_parts.h"

enum { GROUPS = 2500, PAGES_MAX = DIRTY_MAX + 64, FILES = 8, HALF = PENDING_MAX / 2 };

static struct folder_keys keys;
static const uint8_t tag[FOLDER_TAG] = {7};

static void fill(uint8_t page[FOLDER_PAGE], uint32_t number)
{
    for (size_t i = 0; i < FOLDER_PAGE; i += sizeof number)
        memcpy(page + i, &number, sizeof number);
}

/* One block of each group, so that each wants a tag page of its own. */
static void write_all(struct content *c, int fd, uint32_t version)
{
    uint8_t page[FOLDER_PAGE];

    for (uint64_t group = 0; group < GROUPS; group++) {
        fill(page, version + (uint32_t)group);
        assert_int_equal(content_write(c, fd, page, sizeof page, group * GROUP_BYTES),
                         sizeof page);
        assert_in_range(c->tags_count, 0, PAGES_MAX);
        assert_in_range(c->unsettled_count, 0, UNSETTLED_MAX + 1);
        assert_in_range(c->waiting_count, 0, PENDING_MAX);
    }
}

static void read_all(struct content *c, int fd, uint32_t version)
{
    uint8_t page[FOLDER_PAGE], wanted[FOLDER_PAGE];

    for (uint64_t group = 0; group < GROUPS; group++) {
        fill(wanted, version + (uint32_t)group);
        assert_int_equal(content_read(c, fd, page, sizeof page, group * GROUP_BYTES),
                         sizeof page);
        assert_memory_equal(page, wanted, sizeof page);
        assert_in_range(c->tags_count, 0, PAGES_MAX);
    }
}

static void what_waits_is_bounded(void **state)
{
    SCOPED(secret) key = {0};
    const struct folder_format format = {.cipher = "aes-256-gcm"};

    (void)state;
    assert_int_equal(secret_alloc(&key, 64, NULL), RC_OK);
    assert_int_equal(folder_keys_open(&keys, &format, &key, NULL), RC_OK);
    for (int fast = 0; fast < 2; fast++) {
        const struct content_rules rules = {.keys = &keys, .disk = &disk_files, .fast = fast};
        int fd = memfd_create("content", MFD_CLOEXEC);
        struct content *c;

        assert_int_equal(content_create(&c, &rules, fd, tag), 0);
        write_all(c, fd, 1);
        assert_int_equal(content_commit(c, fd, true), 0);
        write_all(c, fd, 100000); /* over what was synced: old and new are both on the way */
        read_all(c, fd, 100000);
        assert_int_equal(content_commit(c, fd, true), 0);
        content_close(c);
        assert_int_equal(content_load(&c, &rules, fd), 0);
        read_all(c, fd, 100000);
        assert_int_equal(content_resize(c, fd, 0), 0);
        write_all(c, fd, 7); /* what was kept of the pages before has gone */
        read_all(c, fd, 7);
        content_close(c);
        close(fd);
    }
    folder_keys_clear(&keys);
}

static struct content *crowded;

/* The first time, other readers fill the memory with tag pages meanwhile. */
static ssize_t read_in_a_crowd(int fd, const struct iovec *parts, int count, uint64_t offset)
{
    struct content *c = crowded;
    uint8_t page[FOLDER_PAGE];

    crowded = NULL;
    for (uint64_t group = 1; c && group < GROUPS; group++)
        assert_int_equal(content_read(c, fd, page, sizeof page, group * GROUP_BYTES),
                         sizeof page);
    if (c)
        assert_null(content_cached_tags(c, 0));
    return disk_files.read(fd, parts, count, offset);
}

static void a_page_may_leave_memory_while_its_block_is_read(void **state)
{
    SCOPED(secret) key = {0};
    const struct folder_format format = {.cipher = "aes-256-gcm"};
    struct disk disk = disk_files;
    const struct content_rules rules = {.keys = &keys, .disk = &disk};
    int fd = memfd_create("content", MFD_CLOEXEC);
    uint8_t page[FOLDER_PAGE], wanted[FOLDER_PAGE];
    struct content *c;

    (void)state;
    assert_int_equal(secret_alloc(&key, 64, NULL), RC_OK);
    assert_int_equal(folder_keys_open(&keys, &format, &key, NULL), RC_OK);
    assert_int_equal(content_create(&c, &rules, fd, tag), 0);
    write_all(c, fd, 1);
    assert_int_equal(content_commit(c, fd, true), 0);
    fill(wanted, 1);
    assert_int_equal(content_read(c, fd, page, sizeof page, 0), sizeof page);
    disk.read = read_in_a_crowd;
    crowded = c;
    assert_int_equal(content_read(c, fd, page, sizeof page, 0), sizeof page);
    assert_null(crowded);
    assert_memory_equal(page, wanted, sizeof page);
    content_close(c);
    close(fd);
    folder_keys_clear(&keys);
}

/* A file all of whose blocks are synced, and overwritten once more. */
static struct content *overwritten(const struct content_rules *rules, int fd)
{
    static const uint8_t bytes[HALF * FOLDER_PAGE];
    struct content *c;

    assert_int_equal(content_create(&c, rules, fd, tag), 0);
    assert_int_equal(content_write(c, fd, bytes, sizeof bytes, 0), sizeof bytes);
    assert_int_equal(content_commit(c, fd, true), 0);
    assert_int_equal(content_write(c, fd, bytes, sizeof bytes, 0), sizeof bytes);
    return c;
}

static void what_waits_in_many_files_is_bounded(void **state)
{
    SCOPED(secret) key = {0};
    const struct folder_format format = {.cipher = "aes-256-gcm"};
    const struct content_rules rules = {.keys = &keys, .disk = &disk_files};
    struct content *c[FILES];
    unsigned waiting = 0;
    int fds[FILES];
    void *memory;

    (void)state;
    assert_int_equal(secret_alloc(&key, 64, NULL), RC_OK);
    assert_int_equal(folder_keys_open(&keys, &format, &key, NULL), RC_OK);
    for (int i = 0; i < FILES; i++) {
        fds[i] = memfd_create("content", MFD_CLOEXEC);
        c[i] = overwritten(&rules, fds[i]);
        waiting += c[i]->waiting_count;
    }
    assert_in_range(waiting, PENDING_ALL, PENDING_ALL + FILES * PENDING_MANY);
    for (int i = 0; i < FILES; i++)
        content_close(c[i]);
    c[0] = overwritten(&rules, fds[0]); /* what waited has gone with its files */
    assert_int_equal(c[0]->waiting_count, HALF);
    memory = c[0]->waiting;
    assert_int_equal(content_commit(c[0], fds[0], true), 0);
    c[1] = overwritten(&rules, fds[1]); /* the memory of one is kept for the next */
    assert_null(c[0]->waiting);
    assert_ptr_equal(c[1]->waiting, memory);
    content_close(c[0]);
    content_close(c[1]);
    for (int i = 0; i < 2; i++)
        content_rest();
    assert_int_equal(madvise(memory, FOLDER_PAGE, MADV_NORMAL), -1);
    for (int i = 0; i < FILES; i++)
        close(fds[i]);
    folder_keys_clear(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(a_page_may_leave_memory_while_its_block_is_read),
        cmocka_unit_test(what_waits_in_many_files_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
