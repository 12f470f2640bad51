/* Reading: the blocks of a group in one call to the disk, opened where the reader wants them. */
#include <errno.h>
#include <string.h>

#include "keep/tree/folder/content_parts.h"

/* Part of a read that lies in one group. */
struct stretch {
    uint64_t group;
    unsigned first, count; /* blocks, by their place in the group */
    size_t skip;           /* bytes of the first block before what is wanted */
    size_t len;            /* bytes wanted */
    uint8_t *at;
    size_t room; /* bytes that may be written there */
    /* Blocks that are not wanted whole. */
    alignas(ALIGNED) uint8_t head[FOLDER_PAGE], tail[FOLDER_PAGE];
};

bool content_open_block(struct content *c, const struct tag_entry *entry, uint64_t block,
                        const uint8_t *sealed, uint8_t *out)
{
    struct aead *aead = content_epoch(c, entry->epoch);

    return aead && tag_unseal_block(entry, aead, block, sealed, out);
}

/* Opens what was read (`there`: all of it) in place. */
static int open_read(struct content *c, const struct tag_page *tags, uint64_t block,
                     bool there, uint8_t *at)
{
    const struct tag_block *entries = &tags->blocks[block % FILE_BLOCKS];
    bool unsettled = tags->unsettled >> block % FILE_BLOCKS & 1;
    alignas(ALIGNED) uint8_t sealed[FOLDER_PAGE];
    const uint8_t *waits;

    if (tag_entry_is_hole(&entries->current)) {
        memset(at, 0, FOLDER_PAGE);
        return 0;
    }
    if (c->waiting_count > 0 && (waits = content_pending(c, block)))
        return content_open_block(c, &entries->current, block, waits, at) ? 0 : -EIO;
    if (unsettled && there)
        memcpy(sealed, at, FOLDER_PAGE);
    if (there && content_open_block(c, &entries->current, block, at, at))
        return 0;
    if (unsettled && tag_entry_is_hole(&entries->previous)) {
        memset(at, 0, FOLDER_PAGE);
        return 0;
    }
    if (unsettled && there && content_open_block(c, &entries->previous, block, sealed, at))
        return 0;
    memset(at, 0, FOLDER_PAGE);
    return -EIO;
}

int content_read_block(struct content *c, int fd, const struct tag_page *tags, uint64_t block,
                       uint8_t out[FOLDER_PAGE])
{
    int error;

    if (tag_entry_is_hole(&tags->blocks[block % FILE_BLOCKS].current)) {
        memset(out, 0, FOLDER_PAGE);
        return 0;
    }
    error = disk_read_page(c->rules->disk, fd, out, block_offset(block));
    if (error != 0 && error != -EIO)
        return error;
    return open_read(c, tags, block, error == 0, out);
}

/* Where a block of the stretch is read to: its place with the reader if that has room for it. */
static uint8_t *place_of(struct stretch *s, unsigned i)
{
    size_t offset = (size_t)i * FOLDER_PAGE;

    if (i == 0 && s->skip > 0)
        return s->head;
    if (offset - s->skip + FOLDER_PAGE <= s->room)
        return s->at + offset - s->skip;
    return s->tail;
}

/* One call: the tag page if it is wanted too, and the blocks. Gives the bytes of blocks. */
static ssize_t read_pages(struct content *c, int fd, struct stretch *s, uint8_t *tag_page)
{
    uint64_t offset = group_offset(s->group) + FOLDER_PAGE * (uint64_t)(s->first + 1);
    struct iovec parts[4];
    const uint8_t *end = NULL;
    int count = 0;
    ssize_t got;

    if (tag_page) {
        parts[count++] = (struct iovec){tag_page, FOLDER_PAGE};
        offset -= FOLDER_PAGE;
    }
    for (unsigned i = 0; i < s->count; i++) {
        uint8_t *at = place_of(s, i);

        if (i > 0 && at != s->tail && at == end)
            parts[count - 1].iov_len += FOLDER_PAGE;
        else
            parts[count++] = (struct iovec){at, FOLDER_PAGE};
        end = at + FOLDER_PAGE;
    }
    got = c->rules->disk->read(fd, parts, count, offset);
    if (got >= 0 && tag_page)
        got = got < FOLDER_PAGE ? -EIO : got - FOLDER_PAGE;
    return got;
}

static bool all_holes(const struct tag_page *tags, const struct stretch *s)
{
    for (unsigned i = 0; i < s->count; i++)
        if (!tag_entry_is_hole(&tags->blocks[s->first + i].current))
            return false;
    return true;
}

static int open_stretch(struct content *c, const struct tag_page *tags, struct stretch *s,
                        size_t got)
{
    for (unsigned i = 0; i < s->count; i++) {
        uint64_t block = s->group * FILE_BLOCKS + s->first + i;
        uint8_t *at = place_of(s, i);
        bool there = (size_t)(i + 1) * FOLDER_PAGE <= got;
        int error = open_read(c, tags, block, there, at);

        if (error != 0)
            return error;
        if (at == s->head)
            memcpy(s->at, s->head + s->skip,
                   s->len < FOLDER_PAGE - s->skip ? s->len : FOLDER_PAGE - s->skip);
        else if (at == s->tail)
            memcpy(s->at + (size_t)i * FOLDER_PAGE - s->skip, s->tail,
                   s->len - ((size_t)i * FOLDER_PAGE - s->skip));
    }
    return 0;
}

static int read_stretch(struct content *c, int fd, struct stretch *s)
{
    struct tag_page tags;
    alignas(ALIGNED) uint8_t page[FOLDER_PAGE];
    bool known = content_copy_tags(c, s->group, s->first, s->count, &tags);
    bool at_once = !known && s->first == 0;
    ssize_t got = 0;
    int error = 0;

    if (!known && !at_once && (error = content_read_tags(c, fd, s->group, &tags)) != 0)
        return error;
    if (at_once || !all_holes(&tags, s))
        got = read_pages(c, fd, s, at_once ? page : NULL);
    if (got < 0)
        return (int)got;
    if (at_once && !content_take_page(c, s->group, page, &tags, &error))
        return error;
    return open_stretch(c, &tags, s, (size_t)got);
}

/* One whole block, whose tags the caches fetch while the disk is asked. */
static int read_one(struct content *c, int fd, struct stretch *s)
{
    uint64_t block = s->group * FILE_BLOCKS + s->first;
    struct iovec part = {s->at, FOLDER_PAGE};
    struct tag_page tags;
    ssize_t got;
    int error;

    if (!content_expect_tags(c, block))
        return read_stretch(c, fd, s);
    got = c->rules->disk->read(fd, &part, 1, block_offset(block));
    if (!content_copy_tags(c, s->group, s->first, 1, &tags) &&
        (error = content_read_tags(c, fd, s->group, &tags)) != 0)
        return error; /* another reader's page took its place meanwhile */
    if (got < 0 && !tag_entry_is_hole(&tags.blocks[s->first].current))
        return (int)got;
    return open_read(c, &tags, block, got == FOLDER_PAGE, s->at);
}

static int read_groups(struct content *c, int fd, uint8_t *at, size_t len, size_t room,
                       uint64_t offset)
{
    struct stretch s;

    for (; len > 0; at += s.len, len -= s.len, room -= s.len, offset += s.len) {
        uint64_t block = offset / FOLDER_PAGE, end;
        int error;

        s.group = block / FILE_BLOCKS;
        s.first = block % FILE_BLOCKS;
        s.skip = offset % FOLDER_PAGE;
        s.len = (size_t)(FILE_BLOCKS - s.first) * FOLDER_PAGE - s.skip;
        if (s.len > len)
            s.len = len;
        end = blocks_of(offset + s.len);
        s.count = (unsigned)(end - block);
        s.at = at;
        s.room = room;
        if (content_is_absent(c, s.group))
            memset(at, 0, s.len);
        else if ((error = s.skip == 0 && s.len == FOLDER_PAGE ? read_one(c, fd, &s)
                                                              : read_stretch(c, fd, &s)) != 0)
            return error;
    }
    return 0;
}

ssize_t content_read(struct content *content, int fd, void *at, size_t len, uint64_t offset)
{
    struct content *c = content;
    size_t wanted = 0;
    int error = 0;

    pthread_rwlock_rdlock(&c->lock);
    if (offset < c->header.size)
        wanted = c->header.size - offset < len ? (size_t)(c->header.size - offset) : len;
    if (wanted > 0 && c->header.is_inline)
        memcpy(at, c->header.content + offset, wanted);
    else if (wanted > 0)
        error = read_groups(c, fd, at, wanted, len, offset);
    pthread_rwlock_unlock(&c->lock);
    if (error != 0)
        memset(at, 0, len);
    return error != 0 ? error : (ssize_t)wanted;
}
