/* How large a file is: growing, cutting, reserving room, making holes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "keep/tree/folder/content_parts.h"

/* Content moves out of the header page, into the first block. */
static int move_out(struct content *c, int fd)
{
    uint8_t content[FILE_INLINE_MAX];
    uint64_t size = c->header.size;
    int error = c->unwritten ? content_write_header(c, fd) : 0;

    if (error != 0)
        return error;
    memcpy(content, c->header.content, sizeof content);
    content_begin_blocks(c);
    c->header.is_inline = false;
    c->header.ranges = 0;
    c->header.size = 0;
    c->header_dirty = true;
    c->durable_size = 0; /* of blocks: the header page stays as it is until they are there */
    error = content_add_absent(c, fd, 0, file_groups(size));
    if (error == 0 && size > 0)
        error = content_put(c, fd, content, (size_t)size, 0);
    c->header.size = size;
    if (error == 0) {
        c->barrier |= c->durable;
    } else {
        content_drop_tags(c, 0);
        c->header.is_inline = true;
        c->header.ranges = 0;
        memcpy(c->header.content, content, sizeof content);
    }
    wipe(content, sizeof content);
    return error;
}

/* What lies behind the end in the last block and the last group becomes zeros and holes. */
static int clear_end(struct content *c, int fd)
{
    uint64_t size = c->header.size, group = file_groups(size) - 1;
    unsigned used = (unsigned)(blocks_of(size) - group * FILE_BLOCKS);
    static alignas(ALIGNED) const uint8_t zeros[FOLDER_PAGE];
    alignas(ALIGNED) uint8_t last[FOLDER_PAGE];
    size_t tail = size % FOLDER_PAGE;
    struct tags *tags;
    int error;

    if (content_is_absent(c, group))
        return 0;
    if (!(tags = content_tags_to_change(c, fd, group, &error)))
        return error;
    for (unsigned i = used; i < FILE_BLOCKS; i++) {
        if (tag_entry_is_hole(&tags->page.blocks[i].current))
            continue;
        tags->page.blocks[i].current = (struct tag_entry){0};
        tags->told &= ~(UINT64_C(1) << i);
        tags->synced &= ~(UINT64_C(1) << i);
        tags->dirty = true;
        c->barrier |= c->durable;
    }
    if (tail == 0)
        return 0;
    error = content_read_block(c, fd, &tags->page, blocks_of(size) - 1, last);
    if (error == 0 && memcmp(last + tail, zeros, FOLDER_PAGE - tail) != 0) {
        c->barrier |= c->durable;
        error = content_put(c, fd, last, tail, size - tail); /* merges with zeros */
    }
    wipe(last, sizeof last);
    return error;
}

/* Where the file below ends. */
static uint64_t end_below(const struct content *c, uint64_t size)
{
    return c->header.is_inline || size == 0 ? FOLDER_PAGE
                                            : block_offset(blocks_of(size) - 1) + FOLDER_PAGE;
}

uint64_t content_behind(struct content *c, int fd)
{
    uint64_t end = end_below(c, c->header.size);
    int64_t size = c->rules->disk->size(fd);

    return size > 0 && (uint64_t)size > end ? (uint64_t)size - end : 0;
}

/* A crash may have left there what was cut off: authentic, and not to come back. */
static int trim(struct content *c, int fd)
{
    uint64_t end = end_below(c, c->header.size);
    int64_t size = c->trimmed ? 0 : c->rules->disk->size(fd);
    int error = size < 0 ? (int)size : 0;

    if (size > 0 && (uint64_t)size > end) {
        error = c->rules->disk->truncate(fd, end);
        c->cut = true;
    }
    c->trimmed = error == 0;
    return error;
}

int content_extend(struct content *c, int fd, uint64_t size)
{
    uint64_t groups;
    int error = trim(c, fd);

    if (error != 0)
        return error;
    if (c->header.is_inline && size <= FILE_INLINE_MAX) {
        memset(c->header.content + c->header.size, 0, (size_t)(size - c->header.size));
        c->header.size = size;
        c->header_dirty = true;
        return 0;
    }
    if (c->header.is_inline)
        error = move_out(c, fd);
    if (error != 0)
        return error;
    groups = file_groups(c->header.size);
    if (c->header.size > 0 && (error = clear_end(c, fd)) != 0)
        return error;
    error = content_add_absent(c, fd, groups, file_groups(size));
    if (error == 0) {
        c->header.size = size;
        c->header_dirty = true;
        c->barrier |= c->cut;
    }
    return error;
}

/* Header first: what it names is then there at every moment. If that fails the file stays as it is. */
static int shorten(struct content *c, int fd, uint64_t size)
{
    struct file_header before = c->header;
    int error;

    c->header.size = size;
    content_cut_absent(c, file_groups(size));
    c->header.is_inline = size == 0;
    error = content_write_header(c, fd);
    if (error == 0 && c->durable && !c->rules->fast)
        error = c->rules->disk->sync(fd);
    if (error != 0) { /* the disk may have either */
        c->header = before;
        c->header_dirty = true;
        return error;
    }
    content_drop_pending(c, blocks_of(size), UINT64_MAX);
    content_drop_tags(c, file_groups(size));
    if (c->durable_size > size)
        c->durable_size = size;
    c->cut = c->durable;
    c->barrier = false;
    /* What stays there takes room alone, until the file grows. */
    c->trimmed = c->rules->disk->truncate(fd, end_below(c, size)) == 0;
    return 0;
}

/* With the header goes what it names. */
static int cut(struct content *c, int fd, uint64_t size)
{
    int error = size == 0 ? 0 : content_commit_all(c, fd, c->durable && !c->rules->fast);

    return error == 0 ? shorten(c, fd, size) : error;
}

static int resize(struct content *c, int fd, uint64_t size)
{
    uint64_t before = c->header.size;

    if (size > before)
        return content_extend(c, fd, size);
    if (size == before)
        return 0;
    if (c->header.is_inline) {
        memset(c->header.content + size, 0, (size_t)(before - size));
        c->header.size = size;
        c->header_dirty = true;
        return 0;
    }
    return cut(c, fd, size);
}

int content_resize(struct content *content, int fd, uint64_t size)
{
    int error;

    if (size > FILE_SIZE_MAX)
        return -EFBIG;
    pthread_rwlock_wrlock(&content->lock);
    error = resize(content, fd, size);
    pthread_rwlock_unlock(&content->lock);
    return error;
}

/* Zeros, up to the end of the file at most. */
static int put_zeros(struct content *c, int fd, uint64_t from, uint64_t to)
{
    static alignas(ALIGNED) const uint8_t zeros[FOLDER_PAGE];

    if (to > c->header.size)
        to = c->header.size;
    return from < to ? content_put(c, fd, zeros, (size_t)(to - from), from) : 0;
}

/* Blocks [from, to) become holes. Those on the disk are given back once that is known there. */
static int make_holes(struct content *c, int fd, uint64_t from, uint64_t to)
{
    content_drop_pending(c, from, to);
    for (uint64_t block = from; block < to;) {
        uint64_t group = block / FILE_BLOCKS, end = (group + 1) * FILE_BLOCKS;
        struct tags *tags;
        int error;

        if (end > to)
            end = to;
        if (content_is_absent(c, group)) {
            block = end;
            continue;
        }
        if (!(tags = content_tags_to_change(c, fd, group, &error)))
            return error;
        for (; block < end; block++) {
            struct tag_entry *current = &tags->page.blocks[block % FILE_BLOCKS].current;

            if (tag_entry_is_hole(current))
                continue;
            tags_unsettle(c, tags, block % FILE_BLOCKS, current);
            *current = (struct tag_entry){0};
        }
        if ((error = content_write_tags(c, fd, tags)) != 0)
            return error;
    }
    return 0;
}

static void give_back(struct content *c, int fd, uint64_t from, uint64_t to)
{
    for (uint64_t block = from; block < to;) {
        uint64_t end = (block / FILE_BLOCKS + 1) * FILE_BLOCKS;

        if (end > to)
            end = to;
        /* Only room is lost where the file system below knows no holes. */
        (void)c->rules->disk->allocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                       block_offset(block), (end - block) * FOLDER_PAGE);
        block = end;
    }
}

static int punch(struct content *c, int fd, uint64_t offset, uint64_t end)
{
    uint64_t first = blocks_of(offset), last = end / FOLDER_PAGE;
    int error;

    if (end > c->header.size) {
        end = c->header.size;
        last = blocks_of(end); /* what lies behind the end is nothing */
    }
    if (offset >= end)
        return 0;
    if (c->header.is_inline) {
        memset(c->header.content + offset, 0, (size_t)(end - offset));
        c->header_dirty = true;
        return 0;
    }
    if (first > last) /* within one block */
        return put_zeros(c, fd, offset, end);
    if ((error = put_zeros(c, fd, offset, first * FOLDER_PAGE)) ||
        (error = put_zeros(c, fd, last * FOLDER_PAGE, end)) ||
        (error = content_commit_all(c, fd, !c->rules->fast)) ||
        (error = make_holes(c, fd, first, last)) ||
        (error = content_commit_all(c, fd, !c->rules->fast)))
        return error;
    give_back(c, fd, first, last);
    return 0;
}

/* Room on the disk below for what is asked for, as far as that can be had. */
static int reserve(struct content *c, int fd, uint64_t offset, uint64_t end)
{
    uint64_t from = block_offset(offset / FOLDER_PAGE);
    uint64_t to = block_offset(blocks_of(end) - 1) + FOLDER_PAGE;

    if (end <= FILE_INLINE_MAX && c->header.is_inline)
        return 0;
    return c->rules->disk->allocate(fd, FALLOC_FL_KEEP_SIZE, from, to - from);
}

int content_allocate(struct content *content, int fd, int mode, uint64_t offset, uint64_t len)
{
    struct content *c = content;
    bool keeps_size = mode & FALLOC_FL_KEEP_SIZE;
    uint64_t end = offset + len;
    int error = 0;

    if (len == 0)
        return -EINVAL;
    if (offset > FILE_SIZE_MAX || len > FILE_SIZE_MAX - offset)
        return -EFBIG;
    if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0 ||
        ((mode & FALLOC_FL_PUNCH_HOLE) && (!keeps_size || (mode & FALLOC_FL_ZERO_RANGE))))
        return -EOPNOTSUPP;
    pthread_rwlock_wrlock(&c->lock);
    if (mode & FALLOC_FL_ZERO_RANGE) /* what cannot be had is said before anything is zeros */
        error = reserve(c, fd, offset, end);
    if (error == 0 && (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)))
        error = punch(c, fd, offset, end);
    if (error == 0 && !(mode & FALLOC_FL_PUNCH_HOLE))
        error = reserve(c, fd, offset, end);
    if (error == 0 && !keeps_size && end > c->header.size)
        error = content_extend(c, fd, end);
    pthread_rwlock_unlock(&c->lock);
    return error;
}
