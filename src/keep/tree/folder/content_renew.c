/*
 * A new key for what is sealed in a file, where it stands: each block is overwritten by itself, as any write does it,
 * and so a cut at any moment leaves it readable. Headers, tag pages and blocks tell by their epoch which key it is.
 */
#include <errno.h>

#include "keep/tree/folder/content_parts.h"
#include "keep/tree/folder/scratch.h"

/* What is not authentic was read at least; or the error of the disk. */
static int disk_error(struct content *c, int fd, uint64_t offset)
{
    uint8_t page[FOLDER_PAGE];
    struct iovec part = {page, sizeof page};
    ssize_t got = c->rules->disk->read(fd, &part, 1, offset);

    return got < 0 ? (int)got : 0;
}

/* Reads into `clear` the blocks of a group that are under the earlier key; *found has their bits. */
static int read_earlier(struct content *c, int fd, const struct tag_page *page, uint64_t group,
                        uint8_t *clear, uint64_t *found, uint64_t *damaged)
{
    uint64_t first = group * FILE_BLOCKS, end = blocks_of(c->header.size);

    *found = 0;
    for (unsigned i = 0; i < FILE_BLOCKS && first + i < end; i++) {
        const struct tag_entry *entry = &page->blocks[i].current;
        int error;

        if (tag_entry_is_hole(entry) || entry->epoch >= c->header.renewed_from)
            continue;
        error = content_read_block(c, fd, page, first + i, clear + (size_t)i * FOLDER_PAGE);
        if (error == 0)
            *found |= UINT64_C(1) << i;
        else if (error != -EIO || (error = disk_error(c, fd, block_offset(first + i))) != 0)
            return error;
        else
            ++*damaged;
    }
    return 0;
}

static int put_runs(struct content *c, int fd, uint64_t group, const uint8_t *clear,
                    uint64_t found)
{
    for (unsigned i = 0; i < FILE_BLOCKS; i++) {
        unsigned end = i;
        int error;

        while (end < FILE_BLOCKS && found >> end & 1)
            end++;
        if (end == i)
            continue;
        error = content_put(c, fd, clear + (size_t)i * FOLDER_PAGE,
                            (size_t)(end - i) * FOLDER_PAGE,
                            (group * FILE_BLOCKS + i) * FOLDER_PAGE);
        if (error != 0)
            return error;
        i = end;
    }
    return 0;
}

static int renew_group(struct content *c, int fd, uint64_t group, uint8_t *clear,
                       uint64_t *damaged)
{
    int error;
    struct tags *tags = content_tags_to_change(c, fd, group, &error);
    struct tag_page page;
    uint64_t found;

    if (!tags && error == -EIO && (error = disk_error(c, fd, group_offset(group))) == 0) {
        ++*damaged;
        return 0;
    }
    if (!tags)
        return error;
    page = tags->page;
    if ((error = read_earlier(c, fd, &page, group, clear, &found, damaged)) != 0)
        return error;
    return found ? put_runs(c, fd, group, clear, found) : content_write_tags(c, fd, tags);
}

static int renew_groups(struct content *c, int fd, struct content_renewal *renewal,
                        uint8_t *clear)
{
    uint64_t groups = file_groups(c->header.size), group = content_next_group(c, 0);
    int error = 0;

    for (; error == 0 && group < groups; group = content_next_group(c, group + 1)) {
        uint64_t left = c->header.size - group * GROUP_BYTES;

        error = renew_group(c, fd, group, clear, &renewal->damaged);
        if (error == 0 && renewal->step(renewal->of, left < GROUP_BYTES ? left : GROUP_BYTES))
            error = -EINTR;
    }
    return error;
}

int content_renew(struct content *content, int fd, struct content_renewal *renewal)
{
    struct content *c = content;
    uint8_t *clear;
    int error;

    if (!c->header.is_renewing)
        return 0;
    if (!(clear = scratch_take()))
        return -ENOMEM;
    error = c->rules->disk->sync(fd); /* no tag page before the header that has its key */
    if (error == 0)
        error = renew_groups(c, fd, renewal, clear);
    wipe(clear, GROUP_BYTES);
    scratch_give(clear);
    if (error == -EINTR) /* what is done stays done */
        (void)content_commit_all(c, fd, false);
    else if (error == 0)
        error = content_commit_all(c, fd, true);
    if (error != 0)
        return error;
    c->header.is_renewing = false;
    return content_write_header(c, fd);
}
