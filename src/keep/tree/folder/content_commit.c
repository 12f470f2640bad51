/* To the disk, in the order that a power cut at any moment leaves readable what was synced. */
#include <errno.h>
#include <stdlib.h>

#include "keep/tree/folder/content_parts.h"

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

    if (count == 0 || c->rules->fast)
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
    int error;

    if (c->waiting_count == 0)
        return 0;
    if ((error = content_sync_previous(c, fd)) || (error = content_write_all_tags(c, fd)) ||
        (error = sync_awaited(c, fd, TAG_PAGES)) < 0)
        return error;
    if (error > 0)
        tags_settle(c);
    error = content_write_pending(c, fd);
    if (content_many_wait())
        content_free_spare(c);
    return error;
}

/* Tag pages after their blocks, the header after both. `sync` may be NULL: for none. */
static int commit(struct content *c, int fd, int (*sync)(int fd))
{
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
    if ((error = sync(fd)) != 0)
        return error;
    c->durable = true;
    c->durable_size = c->header.size;
    c->cut = false;
    tags_settle(c);
    return 0;
}

int content_commit_all(struct content *c, int fd, bool sync)
{
    bool unsettled = c->unsettled_count > 0;
    int error = commit(c, fd, sync ? c->rules->disk->sync : NULL);

    return error == 0 && sync && unsettled ? content_write_all_tags(c, fd) : error;
}

int content_commit(struct content *content, int fd, bool sync)
{
    int error;

    pthread_rwlock_wrlock(&content->lock);
    error = content_commit_all(content, fd, sync);
    pthread_rwlock_unlock(&content->lock);
    return error;
}

int content_sync(struct content *content, int fd)
{
    int error;

    pthread_rwlock_wrlock(&content->lock);
    error = commit(content, fd, content->rules->disk->sync_all);
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
