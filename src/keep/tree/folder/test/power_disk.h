/*
 * A file on a disk in memory, as `struct disk` wants it: `now` is what a reader finds, `durable` what lies there for
 * sure, and `ops` what was written since the last sync. For one test program.
 */
#ifndef KEEP_TREE_FOLDER_TEST_POWER_DISK_H
#define KEEP_TREE_FOLDER_TEST_POWER_DISK_H

#include "keep/tree/folder/content_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

#include "base/test/check.h"

enum {
    PAGES = 700, /* of the file: eleven groups */
    OPS_MAX = 20000,
};

/* A write of one page, or a cut (page is then the new number of pages). */
struct op {
    bool cuts;
    unsigned page;
    uint8_t *bytes;
};

static uint8_t durable[PAGES][FOLDER_PAGE], now[PAGES][FOLDER_PAGE];
static unsigned durable_pages, now_pages, op_count, room = PAGES;
static struct op ops[OPS_MAX];
static unsigned syncs_left = UINT_MAX; /* before the power fails */
static bool keeps_order; /* the writer is killed alone: `ops` are there up to some moment */

/* A call that is not a read fails, by -EIO, and what it has done then. */
enum failure { AT_ONCE, HALF_WAY, WHEN_DONE };

static enum failure failure;
static unsigned calls_left = UINT_MAX; /* before the one that fails */
static bool has_failed, goes_on_failing;

static bool fails(void)
{
    if (calls_left == UINT_MAX || calls_left-- > 0)
        return false;
    calls_left = goes_on_failing ? 0 : UINT_MAX;
    has_failed = true;
    return true;
}

static void apply(uint8_t (*image)[FOLDER_PAGE], unsigned *pages, const struct op *op)
{
    if (op->cuts) {
        for (unsigned i = op->page; i < *pages; i++)
            memset(image[i], 0, FOLDER_PAGE);
        *pages = op->page;
        return;
    }
    memcpy(image[op->page], op->bytes, FOLDER_PAGE);
    if (*pages <= op->page)
        *pages = op->page + 1;
}

static void record(struct op op)
{
    assert_true(op_count < OPS_MAX);
    ops[op_count++] = op;
    apply(now, &now_pages, &op);
}

static void forget_ops(void)
{
    for (unsigned i = 0; i < op_count; i++)
        free(ops[i].bytes);
    op_count = 0;
}

static ssize_t disk_read(int fd, const struct iovec *parts, int count, uint64_t offset)
{
    ssize_t got = 0;

    (void)fd;
    for (int i = 0; i < count; i++) {
        uint64_t end = (uint64_t)now_pages * FOLDER_PAGE;
        size_t len = offset >= end ? 0 : parts[i].iov_len;

        if (len > end - offset)
            len = (size_t)(end - offset);
        if (len > 0)
            memcpy(parts[i].iov_base, (uint8_t *)now + offset, len);
        got += (ssize_t)len;
        offset += len;
        if (len < parts[i].iov_len)
            break;
    }
    return got;
}

static ssize_t put_pages(const struct iovec *parts, int count, uint64_t offset, size_t most)
{
    ssize_t put = 0;

    assert_int_equal(offset % FOLDER_PAGE, 0);
    for (int i = 0; i < count; i++) {
        assert_int_equal(parts[i].iov_len % FOLDER_PAGE, 0);
        for (size_t at = 0; at < parts[i].iov_len; at += FOLDER_PAGE, offset += FOLDER_PAGE) {
            struct op op = {.page = (unsigned)(offset / FOLDER_PAGE)};

            if ((size_t)put == most)
                return put;
            if (op.page >= room)
                return put > 0 ? put : -ENOSPC;
            op.bytes = malloc(FOLDER_PAGE);
            assert_non_null(op.bytes);
            memcpy(op.bytes, (uint8_t *)parts[i].iov_base + at, FOLDER_PAGE);
            record(op);
            put += FOLDER_PAGE;
        }
    }
    return put;
}

static ssize_t disk_write(int fd, const struct iovec *parts, int count, uint64_t offset)
{
    size_t len = 0, most;

    (void)fd;
    if (!fails())
        return put_pages(parts, count, offset, SIZE_MAX);
    for (int i = 0; i < count; i++)
        len += parts[i].iov_len;
    most = len / FOLDER_PAGE / 2 * FOLDER_PAGE;
    if (failure == HALF_WAY && most > 0) {
        calls_left = 0; /* it says what it wrote; and writing the rest fails */
        return put_pages(parts, count, offset, most);
    }
    if (failure == WHEN_DONE)
        put_pages(parts, count, offset, SIZE_MAX);
    return -EIO;
}

static int sync_all(void)
{
    if (syncs_left == 0)
        return -EIO;
    syncs_left -= syncs_left != UINT_MAX;
    memcpy(durable, now,
           (now_pages > durable_pages ? now_pages : durable_pages) * sizeof *now);
    durable_pages = now_pages;
    forget_ops();
    return 0;
}

static int disk_sync(int fd)
{
    bool failed = fails();

    (void)fd;
    if (failed && failure != WHEN_DONE)
        return -EIO;
    return failed ? (void)sync_all(), -EIO : sync_all();
}

static bool is_among(const struct disk_part *parts, size_t count, unsigned page)
{
    uint64_t at = (uint64_t)page * FOLDER_PAGE;

    for (size_t i = 0; i < count; i++)
        if (at >= parts[i].offset && at - parts[i].offset < parts[i].len)
            return true;
    return false;
}

/* Now and then all of it. Cuts go with any part; what was written behind a cut before it is never brought to the disk. */
static int disk_sync_parts(int fd, const struct disk_part *parts, size_t count)
{
    unsigned left = 0;

    (void)fd;
    if (fails())
        return -EIO;
    if (keeps_order || op_count % 4 == 0) {
        int error = sync_all();

        return error == 0 ? 1 : error;
    }
    if (syncs_left == 0)
        return -EIO;
    syncs_left -= syncs_left != UINT_MAX;
    for (unsigned i = 0; i < op_count; i++) {
        struct op op = ops[i];
        unsigned kept = 0;

        if (!op.cuts && !is_among(parts, count, op.page)) {
            ops[left++] = op;
            continue;
        }
        apply(durable, &durable_pages, &op);
        free(op.bytes);
        for (unsigned k = 0; k < left && op.cuts; k++) {
            if (ops[k].page < op.page)
                ops[kept++] = ops[k];
            else
                free(ops[k].bytes);
        }
        left = op.cuts ? kept : left;
    }
    op_count = left;
    return 0;
}

static int disk_truncate(int fd, uint64_t size)
{
    bool failed = fails();

    (void)fd;
    if (!failed || failure == WHEN_DONE)
        record((struct op){.cuts = true, .page = (unsigned)(size / FOLDER_PAGE)});
    return failed ? -EIO : 0;
}

static int disk_allocate(int fd, int mode, uint64_t offset, uint64_t len)
{
    (void)fd;
    if (fails())
        return -EIO;
    if (!(mode & FALLOC_FL_PUNCH_HOLE))
        return 0;
    for (uint64_t at = offset; at < offset + len; at += FOLDER_PAGE)
        if (at / FOLDER_PAGE < now_pages) {
            struct op op = {.page = (unsigned)(at / FOLDER_PAGE),
                            .bytes = calloc(1, FOLDER_PAGE)};
            record(op);
        }
    return 0;
}

static int64_t disk_size(int fd)
{
    (void)fd;
    return (int64_t)now_pages * FOLDER_PAGE;
}

static const struct disk disk = {disk_read,     disk_write,    disk_sync, disk_sync_parts,
                                 disk_truncate, disk_allocate, disk_size, disk_sync};

/* ---- what those have who write contents on it ---- */

static struct folder_keys keys;
static struct content_rules rules = {.keys = &keys, .disk = &disk};
static const uint8_t tag[FOLDER_TAG] = {7};
static uint32_t seed;

static uint32_t random_below(uint32_t n)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)(seed >> 8) * n) >> 24);
}

static int set_up(void **state)
{
    SCOPED(secret) key = {0};
    const struct folder_format format = {.cipher = "aes-256-gcm"};

    (void)state;
    if (secret_alloc(&key, 64, NULL) != RC_OK)
        return -1;
    return folder_keys_open(&keys, &format, &key, NULL) == RC_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    folder_keys_clear(&keys);
    return 0;
}

#endif
