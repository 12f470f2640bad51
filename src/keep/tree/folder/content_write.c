/* Writing: which blocks may be written at once, and which have to wait for their tag page. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keep/tree/folder/content_parts.h"
#include "keep/tree/folder/scratch.h"

/* Blocks of one group, sealed one behind the other, that go to the disk in one call. */
struct run {
    uint64_t first;
    unsigned count;
    struct tag_entry entries[FILE_BLOCKS];
    uint8_t *sealed; /* a scratch buffer */
};

static uint64_t bit_of(uint64_t block)
{
    return UINT64_C(1) << block % FILE_BLOCKS;
}

/* The page of a new group goes with its first blocks, which were holes. */
static int end_first_run(struct content *c, int fd, struct tags *tags, struct run *run)
{
    unsigned count = run->count;
    int error;

    run->count = 0;
    for (unsigned i = 0; i < count; i++)
        tags->page.blocks[i].current = run->entries[i];
    error = content_write_tags_and(c, fd, tags, run->sealed, (size_t)count * FOLDER_PAGE);
    for (unsigned i = 0; i < count && error != 0; i++)
        tags->page.blocks[i].current = (struct tag_entry){0};
    return error;
}

/* After a write that failed: is the block there all the same? */
static bool is_there(struct content *c, int fd, const struct tag_entry *entry, uint64_t block)
{
    alignas(ALIGNED) uint8_t page[FOLDER_PAGE];
    bool is = disk_read_page(c->rules->disk, fd, page, block_offset(block)) == 0 &&
              content_open_block(c, entry, block, page, page);

    wipe(page, sizeof page);
    return is;
}

/* The new entries count once the blocks are on the disk; also those of a part, where the rest fails. */
static int end_run(struct content *c, int fd, struct tags *tags, struct run *run)
{
    int error;

    if (run->count == 0)
        return 0;
    if (tags->unwritten && run->first % FILE_BLOCKS == 0)
        return end_first_run(c, fd, tags, run);
    error = disk_write_all(c->rules->disk, fd, run->sealed, (size_t)run->count * FOLDER_PAGE,
                           block_offset(run->first));
    for (unsigned i = 0; i < run->count; i++) {
        uint64_t block = run->first + i;
        struct tag_entry *current = &tags->page.blocks[block % FILE_BLOCKS].current;

        if (error != 0 &&
            (tag_entry_is_hole(current) || !is_there(c, fd, &run->entries[i], block)))
            continue;
        if (tag_entry_is_hole(current) && c->durable && block < blocks_of(c->durable_size))
            tags_unsettle(c, tags, block % FILE_BLOCKS, current);
        *current = run->entries[i];
        tags->told &= ~bit_of(block);
        tags->synced &= ~bit_of(block);
        tags->dirty = true;
    }
    run->count = 0;
    return error;
}

static int add_to_run(struct content *c, int fd, struct tags *tags, struct run *run,
                      uint64_t block, const uint8_t *clear)
{
    int error;

    if (run->count > 0 && run->first + run->count != block &&
        (error = end_run(c, fd, tags, run)) != 0)
        return error;
    if (run->count == 0)
        run->first = block;
    if (!tag_seal_block(&run->entries[run->count], content_epoch(c, c->header.epoch),
                        c->header.epoch, block, clear,
                        run->sealed + (size_t)run->count * FOLDER_PAGE))
        return -ENOMEM;
    run->count++;
    return 0;
}

/* The new block waits, and the old one stays until the page that names both is on the disk. */
static int put_pending(struct content *c, struct tags *tags, uint64_t block,
                       const uint8_t *clear)
{
    struct tag_block *entries = &tags->page.blocks[block % FILE_BLOCKS];
    bool waits = tags->pending & bit_of(block);
    uint8_t *sealed = waits ? content_pending(c, block) : content_spare(c);
    struct tag_entry entry;

    if (!sealed || !tag_seal_block(&entry, content_epoch(c, c->header.epoch), c->header.epoch,
                                   block, clear, sealed))
        return -ENOMEM;
    if (!waits) {
        content_add_pending(c, block);
        tags->pending |= bit_of(block);
        tags_unsettle(c, tags, block % FILE_BLOCKS, &entries->current);
    }
    entries->current = entry;
    tags->told &= ~bit_of(block);
    tags->synced &= ~bit_of(block);
    tags->dirty = true;
    return 0;
}

/*
 * What was not synced needs no flush, but the page goes first all the same: whoever kills us between the
 * two leaves the old block under its old entry.
 */
static int put_tag_first(struct content *c, int fd, struct tags *tags, uint64_t block,
                         const uint8_t *clear)
{
    struct tag_block *entries = &tags->page.blocks[block % FILE_BLOCKS];
    struct tag_entry old = entries->current, entry;
    alignas(ALIGNED) uint8_t sealed[FOLDER_PAGE];
    int error;

    if (!tag_seal_block(&entry, content_epoch(c, c->header.epoch), c->header.epoch, block,
                        clear, sealed))
        return -ENOMEM;
    tags_unsettle(c, tags, block % FILE_BLOCKS, &old);
    entries->current = entry;
    tags->synced &= ~bit_of(block);
    if ((error = content_write_tags(c, fd, tags)) == 0)
        error = disk_write_all(c->rules->disk, fd, sealed, sizeof sealed, block_offset(block));
    if (error != 0 && !is_there(c, fd, &entry, block)) {
        entries->current = old;
        tags->dirty = true;
    }
    return error;
}

/* The one block as a whole, by the way that its state asks for. */
static int put_block(struct content *c, int fd, struct tags *tags, struct run *run,
                     uint64_t block, const uint8_t *clear)
{
    const struct tag_block *entries = &tags->page.blocks[block % FILE_BLOCKS];
    uint64_t bit = bit_of(block);
    bool unsettled = tags->page.unsettled & bit;
    int error;

    if (!(tags->pending & bit)) {
        if (tag_entry_is_hole(&entries->current) && !unsettled)
            return add_to_run(c, fd, tags, run, block, clear);
        if (!unsettled && !(tags->synced & bit) && !(tags->told & bit))
            return add_to_run(c, fd, tags, run, block, clear);
        if ((error = end_run(c, fd, tags, run)) != 0)
            return error;
        if (!unsettled && !(tags->synced & bit))
            return put_tag_first(c, fd, tags, block, clear);
        /* Two generations are on their way to the disk: they have to arrive before a third. */
        if (unsettled)
            tags->unsure |= bit;
    }
    return put_pending(c, tags, block, clear);
}

/* The block with some bytes of it replaced; what lies beyond the size of the file is zeros. */
static int merge(struct content *c, int fd, const struct tags *tags, uint64_t block,
                 const uint8_t *at, size_t skip, size_t len, uint8_t out[FOLDER_PAGE])
{
    uint64_t start = block * FOLDER_PAGE;
    size_t valid = 0;
    int error;

    if (c->header.size > start)
        valid = c->header.size - start < FOLDER_PAGE ? (size_t)(c->header.size - start)
                                                     : FOLDER_PAGE;
    if (valid > 0 && (error = content_read_block(c, fd, &tags->page, block, out)) != 0)
        return error;
    memset(out + valid, 0, FOLDER_PAGE - valid);
    memcpy(out + skip, at, len);
    return 0;
}

static int put_in_group(struct content *c, int fd, struct tags *tags, struct run *run,
                        const uint8_t *at, size_t len, uint64_t offset)
{
    while (len > 0) {
        uint64_t block = offset / FOLDER_PAGE;
        size_t skip = offset % FOLDER_PAGE;
        size_t part = FOLDER_PAGE - skip < len ? FOLDER_PAGE - skip : len;
        alignas(ALIGNED) uint8_t merged[FOLDER_PAGE];
        const uint8_t *whole = at;
        int error;

        if (part < FOLDER_PAGE) {
            if ((error = end_run(c, fd, tags, run)) != 0 ||
                (error = merge(c, fd, tags, block, at, skip, part, merged)) != 0)
                return error;
            whole = merged;
        }
        if ((error = put_block(c, fd, tags, run, block, whole)) != 0)
            return error;
        at += part;
        len -= part;
        offset += part;
    }
    return end_run(c, fd, tags, run);
}

int content_put(struct content *c, int fd, const uint8_t *at, size_t len, uint64_t offset)
{
    struct run run = {.sealed = scratch_take()};
    int error = run.sealed ? 0 : -ENOMEM;

    while (len > 0 && error == 0) {
        uint64_t group = offset / FOLDER_PAGE / FILE_BLOCKS;
        uint64_t end = (group + 1) * GROUP_BYTES;
        size_t part = end - offset < len ? (size_t)(end - offset) : len;
        struct tags *tags = NULL;

        error = content_take_nonces(c, part / FOLDER_PAGE + 2);
        if (error == 0 && (c->half_flushed || content_pending_is_full(c)))
            error = content_flush_pending(c, fd);
        if (error == 0 && c->unsettled_count >= UNSETTLED_MAX)
            error = content_commit_all(c, fd, true);
        if (error == 0 && c->tags_count >= DIRTY_MAX)
            error = content_write_all_tags(c, fd);
        if (error == 0 && (tags = content_tags_to_change(c, fd, group, &error)))
            error = put_in_group(c, fd, tags, &run, at, part, offset);
        if (error == 0 && tags->unwritten)
            error = content_write_tags(c, fd, tags);
        if (error != 0 && tags && tags->unwritten)
            content_unmake_group(c, tags);
        at += part;
        len -= part;
        offset += part;
    }
    if (run.sealed)
        scratch_give(run.sealed);
    return error;
}

/* In the header page, if it has room for all of it. */
static bool put_inline(struct content *c, const uint8_t *at, size_t len, uint64_t offset)
{
    uint64_t end = offset + len, size = c->header.size;

    if (!c->header.is_inline || end > FILE_INLINE_MAX)
        return false;
    if (offset > size)
        memset(c->header.content + size, 0, (size_t)(offset - size));
    memcpy(c->header.content + offset, at, len);
    c->header.size = end > size ? end : size;
    c->header_dirty = true;
    return true;
}

ssize_t content_write(struct content *content, int fd, const void *at, size_t len,
                      uint64_t offset)
{
    struct content *c = content;
    uint64_t before;
    int error = 0;

    if (offset > FILE_SIZE_MAX || len > FILE_SIZE_MAX - offset)
        return -EFBIG;
    pthread_mutex_lock(&c->writers);
    pthread_rwlock_wrlock(&c->lock);
    before = c->header.size;
    if (len > 0 && put_inline(c, at, len, offset)) {
        if (c->unwritten && (error = content_write_header(c, fd)) != 0) {
            c->header.size = before;
            memset(c->header.content + offset, 0, len); /* as all that was never written */
        }
    } else if (len > 0) {
        if (offset + len > before)
            error = content_extend(c, fd, offset + len);
        if (error == 0)
            error = content_put(c, fd, at, len, offset);
        if (error != 0 && c->header.size > before && !c->header.is_inline) {
            c->header.size = before; /* what was added reads as zeros when it is made larger */
            c->header_dirty = true;
            content_cut_absent(c, file_groups(before));
            content_drop_pending(c, blocks_of(before), UINT64_MAX);
            content_drop_tags(c, file_groups(before));
            c->trimmed = false;
        }
    }
    pthread_rwlock_unlock(&c->lock);
    pthread_mutex_unlock(&c->writers);
    return error != 0 ? error : (ssize_t)len;
}
