/*
 * Regions, each divided by halves: a block of 2^n bytes stands at a multiple of them, and becomes one
 * with its other half when both are free. What is larger than half a region has one of its own.
 */
#include "base/secret_heap.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/list.h"
#include "base/secret.h"

enum {
    ORDER_MIN = 5,     /* 32 bytes */
    ORDER_HEAD = 12,   /* so much of a region is about it */
    ORDER_REGION = 16, /* 64 KiB; also a region's alignment */
    BLOCK_MIN = 1 << ORDER_MIN,
    HEAD = 1 << ORDER_HEAD,
    REGION = 1 << ORDER_REGION,
    FREE = 0x80, /* beside the order */
};

struct region {
    struct list link;
    size_t size; /* bytes of the mapping */
    size_t used; /* bytes of blocks that are taken */
    size_t len;  /* of the one block of a region that is not divided; or 0 */
    bool locked;
    uint8_t blocks[REGION / BLOCK_MIN]; /* the order of each, where it begins */
};
_Static_assert(sizeof(struct region) <= HEAD, "a region's head fits");

static struct {
    pthread_mutex_t lock;
    struct list regions;
    struct list free[ORDER_REGION]; /* blocks of each order; their links are in them */
    struct region *spare;           /* the one that is wholly free, if there is one */
    struct secret_heap_use use;
} heap = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* What a process has locked, its child has not. */
static void lock_in_child(void)
{
    for (struct list *at = heap.regions.next; at != &heap.regions; at = at->next) {
        struct region *region = LIST_OWNER(at, struct region, link);

        if (region->locked && mlock(region, region->size) != 0) {
            region->locked = false;
            heap.use.locked -= region->size;
        }
    }
    pthread_mutex_unlock(&heap.lock);
}

static void lock_heap(void)
{
    pthread_mutex_lock(&heap.lock);
}

static void unlock_heap(void)
{
    pthread_mutex_unlock(&heap.lock);
}

static void start(void)
{
    list_init(&heap.regions);
    for (int order = 0; order < ORDER_REGION; order++)
        list_init(&heap.free[order]);
    pthread_atfork(lock_heap, unlock_heap, lock_in_child);
}

static struct region *region_of(void *at)
{
    return (struct region *)((uintptr_t)at & ~(uintptr_t)(REGION - 1));
}

/* Every secret needs some of what may be locked, also those that come later. */
static bool may_lock(size_t size)
{
    struct rlimit limit;

    return geteuid() == 0 || (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
                              heap.use.locked + size <= limit.rlim_cur / 2);
}

/* Aligned; NULL where there is no memory. */
static void *map(size_t size)
{
    uint8_t *area =
        mmap(NULL, size + REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t before;

    if (area == MAP_FAILED)
        return NULL;
    before = -(uintptr_t)area & (REGION - 1);
    if (before > 0)
        munmap(area, before);
    munmap(area + before + size, REGION - before);
    return area + before;
}

static struct region *region_add(size_t size)
{
    struct region *region = map(size);

    if (!region)
        return NULL;
    madvise(region, size, MADV_DONTDUMP);
    region->size = size;
    region->locked = may_lock(size) && mlock(region, size) == 0;
    heap.use.mapped += size;
    heap.use.locked += region->locked ? size : 0;
    list_add(&heap.regions, &region->link);
    return region;
}

static void region_remove(struct region *region)
{
    list_remove(&region->link);
    heap.use.mapped -= region->size;
    heap.use.locked -= region->locked ? region->size : 0;
    munmap(region, region->size);
}

static uint8_t *state_of(void *block)
{
    return &region_of(block)->blocks[((uintptr_t)block & (REGION - 1)) >> ORDER_MIN];
}

static void put_free(void *block, int order)
{
    *state_of(block) = (uint8_t)(order | FREE);
    list_add(&heap.free[order], block);
}

static void *take_free(void *block)
{
    struct list *link = block;

    list_remove(link);
    memset(link, 0, sizeof *link);
    return block;
}

/* Behind its head a region is a block of each order above. */
static bool divide(void)
{
    struct region *region = region_add(REGION);

    if (!region)
        return false;
    for (int order = ORDER_HEAD; order < ORDER_REGION; order++)
        put_free((uint8_t *)region + (1 << order), order);
    heap.spare = region;
    return true;
}

static void *take_block(int order)
{
    int found = order;
    uint8_t *block;

    while (found < ORDER_REGION && list_is_empty(&heap.free[found]))
        found++;
    if (found == ORDER_REGION) {
        if (!divide())
            return NULL;
        found = order > ORDER_HEAD ? order : ORDER_HEAD;
    }
    block = take_free(heap.free[found].next);
    while (found > order) {
        found--;
        put_free(block + (1 << found), found);
    }
    *state_of(block) = (uint8_t)order;
    region_of(block)->used += (size_t)1 << order;
    if (region_of(block) == heap.spare)
        heap.spare = NULL;
    return block;
}

/* One wholly free region is kept for what comes next. */
static void region_is_free(struct region *region)
{
    if (!heap.spare) {
        heap.spare = region;
        return;
    }
    for (int order = ORDER_HEAD; order < ORDER_REGION; order++)
        take_free((uint8_t *)region + (1 << order));
    region_remove(region);
}

static void give_block(struct region *region, uint8_t *block)
{
    int order = *state_of(block);

    wipe(block, (size_t)1 << order);
    region->used -= (size_t)1 << order;
    while (order < ORDER_REGION - 1) {
        uint8_t *other = (uint8_t *)((uintptr_t)block ^ ((uintptr_t)1 << order));

        if (*state_of(other) != (order | FREE))
            break;
        take_free(other);
        block = other < block ? other : block;
        order++;
    }
    put_free(block, order);
    if (region->used == 0)
        region_is_free(region);
}

static void *take_region(size_t len)
{
    struct region *region = len < SIZE_MAX / 2
                                ? region_add((len + HEAD + REGION - 1) & ~(size_t)(REGION - 1))
                                : NULL;

    if (!region)
        return NULL;
    region->len = len;
    return (uint8_t *)region + HEAD;
}

void *secret_heap_take(size_t len)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int order = ORDER_MIN;
    void *block;

    if (len == 0)
        return NULL;
    pthread_once(&once, start);
    while (order < ORDER_REGION && (size_t)1 << order < len)
        order++;
    pthread_mutex_lock(&heap.lock);
    block = order < ORDER_REGION ? take_block(order) : take_region(len);
    pthread_mutex_unlock(&heap.lock);
    return block;
}

void secret_heap_give(void *at)
{
    struct region *region = region_of(at);

    if (!at)
        return;
    pthread_mutex_lock(&heap.lock);
    if (region->len > 0) {
        wipe(at, region->len);
        region_remove(region);
    } else {
        give_block(region, at);
    }
    pthread_mutex_unlock(&heap.lock);
}

/* What the block can hold: its owner alone changes that. */
static size_t room_of(void *at)
{
    struct region *region = region_of(at);

    return region->len > 0 ? region->len : (size_t)1 << *state_of(at);
}

void *secret_heap_resize(void *at, size_t len)
{
    size_t room = at ? room_of(at) : 0;
    void *grown;

    if (len > 0 && len <= room && len > room / 2)
        return at;
    if (!(grown = secret_heap_take(len)) && len > 0)
        return NULL;
    if (at && grown)
        memcpy(grown, at, len < room ? len : room);
    secret_heap_give(at);
    return grown;
}

struct secret_heap_use secret_heap_use(void)
{
    struct secret_heap_use use;

    pthread_mutex_lock(&heap.lock);
    use = heap.use;
    pthread_mutex_unlock(&heap.lock);
    return use;
}
