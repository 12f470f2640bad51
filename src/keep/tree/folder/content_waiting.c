/* Blocks that wait, sealed, until their tag pages are on the disk. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "keep/tree/folder/content_parts.h"

#define GONE UINT64_MAX

/*
 * Each has a place, one behind the other as they come, until all have gone: what is looked at lies close together.
 * Memory is there from the first touch of a page, which takes as long as the cipher: that of one file is kept for the
 * next.
 */
struct waiting {
    uint16_t first[PENDING_BUCKETS]; /* a place and 1 more; 0: none */
    uint16_t next[PENDING_MAX];      /* of the same bucket, likewise */
    uint64_t blocks[PENDING_MAX];    /* or GONE */
    uint64_t order[PENDING_MAX];
    /* Not at the same offset of each page: the processor takes such ones for one another. */
    alignas(ALIGNED) uint8_t sealed[PENDING_MAX][FOLDER_PAGE + ALIGNED];
};

static atomic_uint waiting_everywhere;
static _Atomic(struct waiting *) spare; /* for the next file */
static atomic_bool spare_is_fresh;

bool content_many_wait(void)
{
    return atomic_load_explicit(&waiting_everywhere, memory_order_relaxed) >= PENDING_ALL;
}

uint8_t *content_pending(struct content *c, uint64_t block)
{
    struct waiting *w = c->waiting;
    unsigned place = w ? w->first[block % PENDING_BUCKETS] : 0;

    while (place > 0 && w->blocks[place - 1] != block)
        place = w->next[place - 1];
    return place > 0 ? w->sealed[place - 1] : NULL;
}

static struct waiting *new_waiting(void)
{
    struct waiting *w = atomic_exchange(&spare, NULL);

    if (w)
        return w;
    w = mmap(NULL, sizeof *w, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return w == MAP_FAILED ? NULL : w;
}

static void free_waiting(struct waiting *w)
{
    if (w)
        munmap(w, sizeof *w);
}

uint8_t *content_spare(struct content *c)
{
    if (!c->waiting)
        c->waiting = new_waiting();
    return c->waiting && c->places_taken < PENDING_MAX ? c->waiting->sealed[c->places_taken]
                                                       : NULL;
}

void content_free_spare(struct content *c)
{
    if (!c->waiting || c->waiting_count > 0)
        return;
    atomic_store(&spare_is_fresh, true);
    free_waiting(atomic_exchange(&spare, c->waiting));
    c->waiting = NULL;
}

void content_rest(void)
{
    if (!atomic_exchange(&spare_is_fresh, false))
        free_waiting(atomic_exchange(&spare, NULL));
}

void content_add_pending(struct content *c, uint64_t block)
{
    struct waiting *w = c->waiting;
    uint16_t *bucket = &w->first[block % PENDING_BUCKETS];

    w->blocks[c->places_taken] = block;
    w->next[c->places_taken] = *bucket;
    *bucket = (uint16_t)++c->places_taken;
    c->waiting_count++;
    atomic_fetch_add_explicit(&waiting_everywhere, 1, memory_order_relaxed);
}

bool content_pending_is_full(const struct content *c)
{
    return c->places_taken + FILE_BLOCKS > (content_many_wait() ? PENDING_MANY : PENDING_MAX);
}

void content_drop_pending(struct content *c, uint64_t from, uint64_t to)
{
    struct tags *tags = NULL;
    unsigned dropped = 0;

    for (unsigned i = 0; i < c->places_taken; i++) {
        uint64_t block = c->waiting->blocks[i];

        if (block < from || block >= to) /* or gone */
            continue;
        if (!tags || tags->group != block / FILE_BLOCKS)
            tags = content_cached_tags(c, block / FILE_BLOCKS);
        if (tags)
            tags->pending &= ~(UINT64_C(1) << block % FILE_BLOCKS);
        c->waiting->blocks[i] = GONE;
        dropped++;
    }
    atomic_fetch_sub_explicit(&waiting_everywhere, dropped, memory_order_relaxed);
    c->waiting_count -= dropped;
    if (c->waiting_count > 0 || c->places_taken == 0)
        return;
    memset(c->waiting->first, 0, sizeof c->waiting->first);
    c->places_taken = 0;
}

static int by_number(const void *one, const void *other)
{
    const uint64_t *a = one, *b = other;

    return *a < *b ? -1 : *a > *b;
}

/* Blocks and, in the low digits, their places, by blocks; gives how many. */
static size_t put_in_order(struct content *c)
{
    struct waiting *w = c->waiting;
    bool in_order = true;
    size_t count = 0;

    for (unsigned i = 0; i < c->places_taken; i++) {
        if (w->blocks[i] == GONE)
            continue;
        w->order[count] = w->blocks[i] * PENDING_MAX + i;
        in_order &= count == 0 || w->order[count - 1] < w->order[count];
        count++;
    }
    if (!in_order)
        qsort(w->order, count, sizeof *w->order, by_number);
    return count;
}

static int write_one_by_one(struct content *c, int fd, const uint64_t *from, size_t count)
{
    int error = 0;

    for (size_t i = 0; i < count && error == 0; i++)
        error = disk_write_all(c->rules->disk, fd, c->waiting->sealed[from[i] % PENDING_MAX],
                               FOLDER_PAGE, block_offset(from[i] / PENDING_MAX));
    return error;
}

/* One call for blocks of a group that lie one behind the other; *taken is how many. */
static int write_run(struct content *c, int fd, const uint64_t *from, size_t count,
                     size_t *taken)
{
    uint64_t first = from[0] / PENDING_MAX;
    size_t n = 0, most = FILE_BLOCKS - first % FILE_BLOCKS;
    struct iovec parts[FILE_BLOCKS];
    ssize_t put;

    for (; n < count && n < most && from[n] / PENDING_MAX == first + n; n++)
        parts[n] = (struct iovec){c->waiting->sealed[from[n] % PENDING_MAX], FOLDER_PAGE};
    *taken = n;
    put = c->rules->disk->write(fd, parts, (int)n, block_offset(first));
    if (put < 0)
        return (int)put;
    n = (size_t)put / FOLDER_PAGE;
    return write_one_by_one(c, fd, from + n, *taken - n); /* what is left, or its error */
}

int content_write_pending(struct content *c, int fd)
{
    size_t count = put_in_order(c), taken;
    int error = 0;

    for (size_t i = 0; i < count && error == 0; i += taken)
        error = write_run(c, fd, c->waiting->order + i, count - i, &taken);
    c->half_flushed = error != 0;
    if (error == 0)
        content_drop_pending(c, 0, UINT64_MAX);
    return error;
}
