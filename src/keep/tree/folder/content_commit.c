/* To the disk, in the order that a power cut at any moment leaves readable what was synced. */
#include <errno.h>
#include <stdlib.h>

#include "keep/tree/folder/content_parts.h"

enum { PARTS_MAX = FILE_BLOCKS };

static atomic_uint waiting_everywhere;

static bool many_wait(void)
{
    return atomic_load_explicit(&waiting_everywhere, memory_order_relaxed) >= PENDING_ALL;
}

struct pending *content_spare(struct content *c)
{
    struct pending *p;

    if (!list_is_empty(&c->spare))
        return LIST_OWNER(c->spare.next, struct pending, place);
    if ((p = aligned_alloc(ALIGNED, sizeof *p)))
        list_add(&c->spare, &p->place);
    return p;
}

void content_free_spare(struct content *c)
{
    while (!list_is_empty(&c->spare)) {
        struct pending *p = LIST_OWNER(c->spare.next, struct pending, place);

        list_remove(&p->place);
        free(p);
    }
}

void content_add_pending(struct content *c, struct pending *p, uint64_t block)
{
    struct pending **bucket = &c->waiting[block % PENDING_BUCKETS];

    list_remove(&p->place);
    list_add_last(&c->pending, &p->place);
    p->block = block;
    p->next = *bucket;
    *bucket = p;
    c->waiting_count++;
    atomic_fetch_add_explicit(&waiting_everywhere, 1, memory_order_relaxed);
}

bool content_pending_is_full(const struct content *c)
{
    return c->waiting_count + FILE_BLOCKS > (many_wait() ? PENDING_MANY : PENDING_MAX);
}

static int by_block(const void *one, const void *other)
{
    const struct pending *const *a = one, *const *b = other;

    return (*a)->block < (*b)->block ? -1 : (*a)->block > (*b)->block;
}

static struct pending **sorted(struct content *c)
{
    struct pending **all = malloc(c->waiting_count * sizeof(struct pending *));
    bool in_order = true;
    size_t count = 0;

    if (!all)
        return NULL;
    for (struct list *at = c->pending.next; at != &c->pending; at = at->next) {
        struct pending *p = LIST_OWNER(at, struct pending, place);

        in_order &= count == 0 || all[count - 1]->block < p->block;
        all[count++] = p;
    }
    if (!in_order)
        qsort(all, count, sizeof(struct pending *), by_block);
    return all;
}

/* One call for blocks that lie one behind the other; *taken is how many. */
static int write_run(struct content *c, int fd, struct pending **from, size_t count,
                     size_t *taken)
{
    struct iovec parts[PARTS_MAX];
    uint64_t group = from[0]->block / FILE_BLOCKS;
    size_t n = 0;
    ssize_t put;

    while (n < count && n < PARTS_MAX && from[n]->block == from[0]->block + n &&
           from[n]->block / FILE_BLOCKS == group) {
        parts[n] = (struct iovec){from[n]->sealed, FOLDER_PAGE};
        n++;
    }
    *taken = n;
    put = c->rules->disk->write(fd, parts, (int)n, block_offset(from[0]->block));
    if (put >= 0 && put < (ssize_t)(n * FOLDER_PAGE)) { /* the rest one by one, or its error */
        for (size_t i = (size_t)put / FOLDER_PAGE; i < n; i++) {
            int error = disk_write_all(c->rules->disk, fd, from[i]->sealed, FOLDER_PAGE,
                                       block_offset(from[i]->block));

            if (error != 0)
                return error;
        }
        return 0;
    }
    return put < 0 ? (int)put : 0;
}

enum pages { TAG_PAGES, PREVIOUS_BLOCKS };

/* Pages of the group that others wait for; bit 0 is the tag page. */
static uint64_t awaited(const struct tags *tags, enum pages which)
{
    return which == TAG_PAGES ? tags->pending != 0 : tags->unsure << 1;
}

/* Runs of awaited pages, in `parts` if that is not NULL, and how many there are. */
static size_t list_awaited(const struct content *c, enum pages which, struct disk_part *parts)
{
    size_t count = 0;

    for (struct list *at = c->recent.next; at != &c->recent; at = at->next) {
        const struct tags *tags = LIST_OWNER(at, struct tags, recent);
        uint64_t left = awaited(tags, which);

        while (left != 0) {
            unsigned first = (unsigned)__builtin_ctzll(left);
            unsigned behind = first + (unsigned)__builtin_ctzll(~(left >> first));

            if (parts)
                parts[count] = (struct disk_part){
                    .offset = group_offset(tags->group) + (uint64_t)first * FOLDER_PAGE,
                    .len = (uint64_t)(behind - first) * FOLDER_PAGE,
                };
            count++;
            left = behind < 64 ? left >> behind << behind : 0;
        }
    }
    return count;
}

/* To the disk with these, whatever else may still be on its way; 1: all of it. */
static int sync_awaited(struct content *c, int fd, enum pages which)
{
    size_t count = list_awaited(c, which, NULL);
    struct disk_part *parts;
    int error;

    if (count == 0)
        return 0;
    if (!(parts = malloc(count * sizeof *parts)))
        return -ENOMEM;
    list_awaited(c, which, parts);
    error = c->rules->disk->sync_parts(fd, parts, count);
    free(parts);
    return error;
}

int content_sync_previous(struct content *c, int fd)
{
    int error = sync_awaited(c, fd, PREVIOUS_BLOCKS);

    if (error < 0)
        return error;
    for (struct list *at = c->recent.next; at != &c->recent; at = at->next)
        LIST_OWNER(at, struct tags, recent)->unsure = 0;
    return 0;
}

int content_flush_pending(struct content *c, int fd)
{
    struct pending **all;
    size_t taken;
    int error;

    if (c->waiting_count == 0)
        return 0;
    if ((error = content_sync_previous(c, fd)) || (error = content_write_all_tags(c, fd)) ||
        (error = sync_awaited(c, fd, TAG_PAGES)) < 0)
        return error;
    if (error > 0)
        tags_settle(c);
    error = 0;
    if (!(all = sorted(c)))
        return -ENOMEM;
    for (size_t i = 0; i < c->waiting_count && error == 0; i += taken)
        error = write_run(c, fd, all + i, c->waiting_count - i, &taken);
    free(all);
    c->half_flushed = error != 0;
    if (error == 0)
        content_drop_pending(c, 0, UINT64_MAX);
    if (many_wait())
        content_free_spare(c);
    return error;
}

static void drop(struct content *c, struct pending *p)
{
    struct pending **at = &c->waiting[p->block % PENDING_BUCKETS];
    struct tags *tags = content_cached_tags(c, p->block / FILE_BLOCKS);

    if (tags)
        tags->pending &= ~(UINT64_C(1) << p->block % FILE_BLOCKS);
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    list_remove(&p->place);
    list_add_last(&c->spare, &p->place);
    c->waiting_count--;
    atomic_fetch_sub_explicit(&waiting_everywhere, 1, memory_order_relaxed);
}

void content_drop_pending(struct content *c, uint64_t from, uint64_t to)
{
    struct list *at = c->pending.next, *next;

    for (; at != &c->pending; at = next) {
        struct pending *p = LIST_OWNER(at, struct pending, place);

        next = at->next;
        if (p->block >= from && p->block < to)
            drop(c, p);
    }
}

/* Tag pages after their blocks, the header after both. */
int content_commit_all(struct content *c, int fd, bool sync)
{
    bool unsettled = c->unsettled_count > 0;
    int error;

    if ((error = content_flush_pending(c, fd)) || (error = content_write_all_tags(c, fd)))
        return error;
    content_free_spare(c);
    if (c->header_dirty && c->barrier && !c->rules->fast &&
        (error = c->rules->disk->sync(fd)) != 0)
        return error;
    if (c->header_dirty && (error = content_write_header(c, fd)) != 0)
        return error;
    c->barrier = false;
    if (!sync)
        return 0;
    if ((error = c->rules->disk->sync(fd)) != 0)
        return error;
    c->durable = true;
    c->durable_size = c->header.size;
    c->cut = false;
    tags_settle(c);
    return unsettled ? content_write_all_tags(c, fd) : 0;
}

int content_commit(struct content *content, int fd, bool sync)
{
    int error;

    pthread_rwlock_wrlock(&content->lock);
    error = content_commit_all(content, fd, sync);
    pthread_rwlock_unlock(&content->lock);
    return error;
}

bool content_is_settled(struct content *content)
{
    bool settled = true;

    pthread_rwlock_rdlock(&content->lock);
    settled =
        !content->header_dirty && content->unsettled_count == 0 && content->waiting_count == 0;
    pthread_mutex_lock(&content->memory_lock);
    for (struct list *at = content->recent.next; at != &content->recent && settled;
         at = at->next)
        settled = !LIST_OWNER(at, struct tags, recent)->dirty;
    pthread_mutex_unlock(&content->memory_lock);
    pthread_rwlock_unlock(&content->lock);
    return settled;
}

bool content_is_cheap(struct content *content)
{
    bool cheap;

    pthread_rwlock_rdlock(&content->lock);
    cheap = content->waiting_count == 0 &&
            (content->rules->fast || !content->barrier || !content->header_dirty);
    pthread_rwlock_unlock(&content->lock);
    return cheap;
}
