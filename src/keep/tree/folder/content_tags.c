/* Tag pages in memory, and the groups that have none. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keep/tree/folder/content_parts.h"

/* Where a range that ends behind `group` stands among the absent ones, or their number. */
static uint32_t find_range(const struct file_header *h, uint64_t group)
{
    uint32_t low = 0, high = h->ranges;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (h->absent[middle].first + h->absent[middle].count <= group)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool content_is_absent(const struct content *c, uint64_t group)
{
    uint32_t at = find_range(&c->header, group);

    return at < c->header.ranges && c->header.absent[at].first <= group;
}

static void remove_range(struct file_header *h, uint32_t at)
{
    memmove(&h->absent[at], &h->absent[at + 1], (h->ranges - at - 1) * sizeof *h->absent);
    h->ranges--;
}

static void note_filled(struct content *c, uint64_t group)
{
    if (c->durable && group < file_groups(c->durable_size))
        c->barrier = true;
    c->header_dirty = true;
}

static struct tags *add_tags(struct content *c, uint64_t group);
static void free_tags(struct content *c, struct tags *tags);

/* A group gets a page in which all is holes; it is then no longer absent, for the caller to note. */
static int make_group(struct content *c, int fd, uint64_t group)
{
    struct tags *tags = add_tags(c, group);
    int error = tags ? content_write_tags(c, fd, tags) : -ENOMEM;

    if (error == 0)
        note_filled(c, group);
    else if (tags)
        free_tags(c, tags);
    return error;
}

uint64_t content_next_group(const struct content *c, uint64_t group)
{
    uint32_t at = find_range(&c->header, group);

    if (at == c->header.ranges || c->header.absent[at].first > group)
        return group;
    return c->header.absent[at].first + c->header.absent[at].count;
}

/* Fewer ranges than `most`: the smallest one gets pages. */
static int make_room(struct content *c, int fd, uint32_t most)
{
    struct file_header *h = &c->header;
    uint32_t least = 0;

    if (h->ranges < most)
        return 0;
    for (uint32_t i = 1; i < h->ranges; i++)
        if (h->absent[i].count < h->absent[least].count)
            least = i;
    while (h->absent[least].count > 0) {
        int error = make_group(c, fd, h->absent[least].first);

        if (error != 0)
            return error;
        h->absent[least].first++;
        h->absent[least].count--;
    }
    remove_range(h, least);
    return 0;
}

int content_fit_ranges(struct content *c, int fd, uint32_t most)
{
    int error = 0;

    while (error == 0 && c->header.ranges > most)
        error = make_room(c, fd, c->header.ranges);
    return error;
}

int content_add_absent(struct content *c, int fd, uint64_t from, uint64_t to)
{
    struct file_header *h = &c->header;
    struct file_range *last;
    int error;

    if (from >= to)
        return 0;
    if ((error = make_room(c, fd, FILE_RANGES_MAX)) != 0)
        return error;
    last = h->ranges > 0 ? &h->absent[h->ranges - 1] : NULL;
    if (last && last->first + last->count == from)
        last->count += to - from;
    else
        h->absent[h->ranges++] = (struct file_range){from, to - from};
    c->header_dirty = true;
    return 0;
}

void content_cut_absent(struct content *c, uint64_t group)
{
    struct file_header *h = &c->header;

    while (h->ranges > 0 && h->absent[h->ranges - 1].first >= group)
        h->ranges--;
    if (h->ranges > 0) {
        struct file_range *last = &h->absent[h->ranges - 1];

        if (last->first + last->count > group)
            last->count = group - last->first;
    }
}

/* Takes one group out of the range that it is in; there is room for one more. */
static void take_out(struct file_header *h, uint64_t group)
{
    uint32_t at = find_range(h, group);
    struct file_range *range = &h->absent[at], old = *range;

    if (old.count == 1) {
        remove_range(h, at);
    } else if (group == old.first) {
        range->first++;
        range->count--;
    } else if (group == old.first + old.count - 1) {
        range->count--;
    } else {
        memmove(range + 1, range, (h->ranges - at) * sizeof *range);
        h->ranges++;
        range[0].count = group - old.first;
        range[1].first = group + 1;
        range[1].count = old.first + old.count - group - 1;
    }
}

/* And puts it back. */
static void put_back(struct file_header *h, uint64_t group)
{
    uint32_t at = find_range(h, group);
    struct file_range *range = &h->absent[at];
    bool follows = at > 0 && range[-1].first + range[-1].count == group;
    bool precedes = at < h->ranges && range->first == group + 1;

    if (follows && precedes) {
        range[-1].count += 1 + range->count;
        remove_range(h, at);
    } else if (follows) {
        range[-1].count++;
    } else if (precedes) {
        range->first--;
        range->count++;
    } else {
        memmove(range + 1, range, (h->ranges - at) * sizeof *range);
        *range = (struct file_range){group, 1};
        h->ranges++;
    }
}

static struct bucket *bucket_of(const struct content *c, uint64_t group)
{
    return &c->buckets[group & (c->buckets_count - 1)];
}

static void put_in_bucket(struct content *c, struct tags *tags)
{
    struct bucket *bucket = bucket_of(c, tags->group);

    tags->next = bucket->first;
    *bucket = (struct bucket){tags, tags->group};
}

static void take_from_bucket(struct content *c, struct tags *tags)
{
    struct bucket *bucket = bucket_of(c, tags->group);
    struct tags **at = &bucket->first;

    while (*at != tags)
        at = &(*at)->next;
    *at = tags->next;
    if (bucket->first)
        bucket->group = bucket->first->group;
}

static struct tags *find_tags(const struct content *c, uint64_t group)
{
    const struct bucket *bucket = bucket_of(c, group);
    struct tags *tags = bucket->first;

    if (tags && bucket->group != group)
        do
            tags = tags->next;
        while (tags && tags->group != group);
    return tags;
}

/* Without memory for that they get longer. */
static void grow_buckets(struct content *c)
{
    struct bucket *more = calloc(2 * c->buckets_count, sizeof *more);

    if (!more)
        return;
    if (c->buckets != c->few_buckets)
        free(c->buckets);
    c->buckets = more;
    c->buckets_count *= 2;
    for (struct list *at = c->recent.next; at != &c->recent; at = at->next)
        put_in_bucket(c, LIST_OWNER(at, struct tags, recent));
}

static void free_tags(struct content *c, struct tags *tags)
{
    take_from_bucket(c, tags);
    list_remove(&tags->recent);
    c->tags_count--;
    c->unsettled_count -= tags->page.unsettled != 0 && !tags->unresolved;
    free(tags);
}

/* The oldest pages that nobody waits for go. The others come to the front, so that they do not hide those. */
static void make_room_in_memory(struct content *c)
{
    struct list *at = c->recent.prev;

    for (unsigned tries = 0; c->tags_count >= TAGS_MAX && tries < 64 && at != &c->recent;
         tries++) {
        struct tags *tags = LIST_OWNER(at, struct tags, recent);

        at = at->prev;
        if (!tags->used && !tags->dirty && (tags->page.unsettled == 0 || tags->unresolved) &&
            tags->pending == 0) {
            free_tags(c, tags);
        } else {
            tags->used = false;
            list_remove(&tags->recent);
            list_add(&c->recent, &tags->recent);
        }
    }
}

static struct tags *add_tags(struct content *c, uint64_t group)
{
    struct tags *tags;

    make_room_in_memory(c);
    if (c->tags_count >= c->buckets_count)
        grow_buckets(c);
    if (!(tags = calloc(1, sizeof *tags)))
        return NULL;
    tags->group = group;
    put_in_bucket(c, tags);
    list_add(&c->recent, &tags->recent);
    c->tags_count++;
    return tags;
}

struct tags *content_cached_tags(struct content *c, uint64_t group)
{
    struct tags *tags = find_tags(c, group);

    if (tags && !tags->used)
        tags->used = true;
    return tags;
}

/* Bits of the blocks that have a current entry. */
static uint64_t filled(const struct tag_page *page)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < FILE_BLOCKS; i++)
        if (!tag_entry_is_hole(&page->blocks[i].current))
            bits |= UINT64_C(1) << i;
    return bits;
}

struct tags *content_take_page(struct content *c, uint64_t group,
                               const uint8_t page[FOLDER_PAGE], struct tag_page *copy,
                               int *error)
{
    struct aead *aead = content_epoch(c, tag_page_epoch(page));
    struct tags *tags = NULL;

    *error = !aead ? -ENOMEM : tag_page_read(copy, aead, group, page) ? 0 : -EIO;
    if (*error != 0)
        return NULL;
    pthread_mutex_lock(&c->memory_lock);
    if (!(tags = content_cached_tags(c, group)) && (tags = add_tags(c, group))) {
        tags->page = *copy;
        tags->told = tags->synced = filled(copy);
        tags->unresolved = copy->unsettled != 0;
    }
    pthread_mutex_unlock(&c->memory_lock);
    if (!tags)
        *error = -ENOMEM;
    return tags;
}

bool content_expect_tags(struct content *c, uint64_t block)
{
    const struct tags *tags;

    pthread_mutex_lock(&c->memory_lock);
    tags = find_tags(c, block / FILE_BLOCKS);
    if (tags) {
        __builtin_prefetch(&tags->used);
        __builtin_prefetch(&tags->page.unsettled);
        __builtin_prefetch(&tags->page.blocks[block % FILE_BLOCKS]);
    }
    pthread_mutex_unlock(&c->memory_lock);
    return tags;
}

bool content_copy_tags(struct content *c, uint64_t group, unsigned first, unsigned count,
                       struct tag_page *copy)
{
    struct tags *tags;

    pthread_mutex_lock(&c->memory_lock);
    tags = content_cached_tags(c, group);
    if (tags) {
        copy->unsettled = tags->page.unsettled;
        memcpy(&copy->blocks[first], &tags->page.blocks[first], count * sizeof *copy->blocks);
    }
    pthread_mutex_unlock(&c->memory_lock);
    return tags;
}

int content_read_tags(struct content *c, int fd, uint64_t group, struct tag_page *copy)
{
    alignas(ALIGNED) uint8_t page[FOLDER_PAGE];
    int error;

    if (content_copy_tags(c, group, 0, FILE_BLOCKS, copy))
        return 0;
    error = disk_read_page(c->rules->disk, fd, page, group_offset(group));
    if (error == 0)
        content_take_page(c, group, page, copy, &error);
    return error;
}

/*
 * After a crash, or a read of one: for each unsettled block the entry that opens it becomes the
 * current one. What opens with neither stays as it is.
 */
static int resolve(struct content *c, int fd, struct tags *tags)
{
    alignas(ALIGNED) uint8_t block[FOLDER_PAGE], clear[FOLDER_PAGE];
    int error;

    for (unsigned i = 0; i < FILE_BLOCKS; i++) {
        uint64_t number = tags->group * FILE_BLOCKS + i;
        struct tag_block *entries = &tags->page.blocks[i];

        if (!(tags->page.unsettled >> i & 1) || tag_entry_is_hole(&entries->current))
            continue;
        error = disk_read_page(c->rules->disk, fd, block, block_offset(number));
        if (error != 0 && error != -EIO)
            return error;
        if (error == 0 && content_open_block(c, &entries->current, number, block, clear))
            continue;
        if (tag_entry_is_hole(&entries->previous) ||
            (error == 0 && content_open_block(c, &entries->previous, number, block, clear)))
            entries->current = entries->previous;
    }
    wipe(clear, sizeof clear);
    tags->unsure = tags->page.unsettled; /* what was found is not on the disk for sure */
    tags->page.unsettled = 0;
    tags->unresolved = false;
    tags->told = tags->synced = filled(&tags->page);
    tags->dirty = true;
    return 0;
}

struct tags *content_tags_to_change(struct content *c, int fd, uint64_t group, int *error)
{
    struct tag_page copy;
    struct tags *tags;

    if (content_is_absent(c, group) && (*error = make_room(c, fd, FILE_RANGES_MAX)) != 0)
        return NULL;
    if (content_is_absent(c, group)) {
        if (!(tags = add_tags(c, group))) {
            *error = -ENOMEM;
            return NULL;
        }
        tags->dirty = tags->unwritten = true;
        take_out(&c->header, group);
        note_filled(c, group);
        return tags;
    }
    *error = 0;
    if (!(tags = content_cached_tags(c, group)) &&
        (*error = content_read_tags(c, fd, group, &copy)) == 0)
        tags = content_cached_tags(c, group);
    if (tags && tags->unresolved && (*error = resolve(c, fd, tags)) != 0)
        return NULL;
    return tags;
}

void content_unmake_group(struct content *c, struct tags *tags)
{
    put_back(&c->header, tags->group);
    free_tags(c, tags);
}

int content_write_tags_and(struct content *c, int fd, struct tags *tags, uint8_t *sealed,
                           size_t len)
{
    alignas(ALIGNED) uint8_t page[FOLDER_PAGE];
    struct iovec parts[] = {{page, sizeof page}, {sealed, len}};
    uint64_t offset = group_offset(tags->group);
    struct aead *aead;
    ssize_t put;
    int error = content_take_nonces(c, 1);

    if (error == 0 && tags->unsure != 0)
        error = content_sync_previous(c, fd);
    if (error != 0)
        return error;
    aead = content_epoch(c, c->header.epoch);
    if (!aead || !tag_page_write(&tags->page, aead, c->header.epoch, tags->group, page))
        return -ENOMEM;
    tags->told |= filled(&tags->page); /* it may be there even if that fails */
    put = c->rules->disk->write(fd, parts, len > 0 ? 2 : 1, offset);
    if (put < 0)
        return (int)put;
    if ((size_t)put < sizeof page + len && /* both anew, or the error that is in the way */
        ((error = disk_write_all(c->rules->disk, fd, page, sizeof page, offset)) ||
         (error = disk_write_all(c->rules->disk, fd, sealed, len, offset + sizeof page))))
        return error;
    tags->dirty = tags->unwritten = false;
    tags->told = filled(&tags->page);
    return 0;
}

int content_write_tags(struct content *c, int fd, struct tags *tags)
{
    return content_write_tags_and(c, fd, tags, NULL, 0);
}

int content_write_all_tags(struct content *c, int fd)
{
    for (struct list *at = c->recent.next; at != &c->recent; at = at->next) {
        struct tags *tags = LIST_OWNER(at, struct tags, recent);
        int error = tags->dirty ? content_write_tags(c, fd, tags) : 0;

        if (error != 0)
            return error;
    }
    return 0;
}

void content_drop_tags(struct content *c, uint64_t from)
{
    struct list *at = c->recent.next, *next;

    for (; at != &c->recent; at = next) {
        struct tags *tags = LIST_OWNER(at, struct tags, recent);

        next = at->next;
        if (tags->group >= from)
            free_tags(c, tags);
    }
}

void tags_unsettle(struct content *c, struct tags *tags, unsigned i,
                   const struct tag_entry *previous)
{
    c->unsettled_count += tags->page.unsettled == 0;
    tags->page.unsettled |= UINT64_C(1) << i;
    tags->page.blocks[i].previous = *previous;
    tags->dirty = true;
}

void tags_settle(struct content *c)
{
    for (struct list *at = c->recent.next; at != &c->recent; at = at->next) {
        struct tags *tags = LIST_OWNER(at, struct tags, recent);
        uint64_t settled = tags->page.unsettled & ~tags->pending;

        if (tags->unresolved)
            continue;
        tags->synced = tags->told;
        if (settled == 0)
            continue;
        tags->page.unsettled &= ~settled;
        c->unsettled_count -= tags->page.unsettled == 0;
        for (unsigned i = 0; i < FILE_BLOCKS; i++)
            if (settled >> i & 1)
                tags->page.blocks[i].previous = (struct tag_entry){0};
        tags->dirty = true;
    }
}
