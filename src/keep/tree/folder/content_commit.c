/* To the disk, in the order that a power cut at any moment leaves readable what was synced. */
#include <errno.h>
#include <stdlib.h>

#include "keep/tree/folder/content_parts.h"

enum { PARTS_MAX = FILE_BLOCKS };

static atomic_uint waiting_everywhere;

void content_add_pending(struct content *c, struct pending *p, uint64_t block)
{
    struct pending **bucket = &c->waiting[block % PENDING_BUCKETS];

    p->block = block;
    p->next = *bucket;
    *bucket = p;
    c->waiting_count++;
    atomic_fetch_add_explicit(&waiting_everywhere, 1, memory_order_relaxed);
}

bool content_pending_is_full(const struct content *c)
{
    bool many = atomic_load_explicit(&waiting_everywhere, memory_order_relaxed) >= PENDING_ALL;

    return c->waiting_count + FILE_BLOCKS > (many ? PENDING_MANY : PENDING_MAX);
}

static int by_block(const void *one, const void *other)
{
    const struct pending *const *a = one, *const *b = other;

    return (*a)->block < (*b)->block ? -1 : (*a)->block > (*b)->block;
}

static struct pending **sorted(struct content *c)
{
    struct pending **all = malloc(c->waiting_count * sizeof(struct pending *));
    size_t count = 0;

    if (!all)
        return NULL;
    for (unsigned i = 0; i < PENDING_BUCKETS; i++)
        for (struct pending *p = c->waiting[i]; p; p = p->next)
            all[count++] = p;
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

int content_sync(struct content *c, int fd)
{
    int error = c->rules->disk->sync(fd);

    if (error == 0)
        c->sync_first = false;
    return error;
}

int content_flush_pending(struct content *c, int fd)
{
    struct pending **all;
    size_t taken;
    int error;

    if (c->waiting_count == 0)
        return 0;
    if ((error = content_write_all_tags(c, fd)) || (error = content_sync(c, fd)))
        return error;
    tags_settle(c);
    if (!(all = sorted(c)))
        return -ENOMEM;
    for (size_t i = 0; i < c->waiting_count && error == 0; i += taken)
        error = write_run(c, fd, all + i, c->waiting_count - i, &taken);
    free(all);
    if (error == 0)
        content_drop_pending(c, 0, UINT64_MAX);
    return error;
}

void content_drop_pending(struct content *c, uint64_t from, uint64_t to)
{
    for (unsigned i = 0; i < PENDING_BUCKETS && c->waiting_count > 0; i++) {
        struct pending **at = &c->waiting[i];

        while (*at) {
            struct pending *p = *at;
            struct tags *tags;

            if (p->block < from || p->block >= to) {
                at = &p->next;
                continue;
            }
            tags = content_cached_tags(c, p->block / FILE_BLOCKS);
            if (tags)
                tags->pending &= ~(UINT64_C(1) << p->block % FILE_BLOCKS);
            *at = p->next;
            c->waiting_count--;
            atomic_fetch_sub_explicit(&waiting_everywhere, 1, memory_order_relaxed);
            free(p);
        }
    }
}

/* Tag pages after their blocks, the header after both. */
int content_commit_all(struct content *c, int fd, bool sync)
{
    bool unsettled = c->unsettled_count > 0;
    int error;

    if ((error = content_flush_pending(c, fd)) || (error = content_write_all_tags(c, fd)))
        return error;
    if (c->header_dirty && c->barrier && !c->rules->fast && (error = content_sync(c, fd)) != 0)
        return error;
    if (c->header_dirty && (error = content_write_header(c, fd)) != 0)
        return error;
    c->barrier = false;
    if (!sync)
        return 0;
    if ((error = content_sync(c, fd)) != 0)
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
