#include "gate/zone/zone.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "gate/zone/shared_lock.h"

#define NONE UINT32_MAX

struct node {
    struct zone_entry entry;
    uint32_t next;         /* of the same bucket; of the spare ones */
    uint32_t older, newer; /* by use */
    uint8_t len;
    uint8_t key[ZONE_KEY_TEXT_MAX];
};

/* What stands in the shared memory: itself, the buckets, the nodes. No pointers: processes differ. */
struct table {
    pthread_mutex_t lock;
    uint64_t seed;
    uint32_t buckets, capacity, count;
    uint32_t spare, oldest, newest;
};

struct zone {
    unsigned references;
    size_t size;
    struct table *table;
    uint32_t *buckets;
    struct node *nodes;
};

static void empty(struct zone *zone)
{
    struct table *table = zone->table;

    memset(zone->buckets, 0xff, table->buckets * sizeof *zone->buckets);
    for (uint32_t i = 0; i < table->capacity; i++)
        zone->nodes[i].next = i + 1 < table->capacity ? i + 1 : NONE;
    table->spare = 0;
    table->oldest = table->newest = NONE;
    table->count = 0;
}

enum rc zone_open(struct zone **out, uint64_t size, struct fault *why)
{
    struct zone *zone = calloc(1, sizeof *zone);
    const size_t each = sizeof *zone->nodes + sizeof *zone->buckets;
    struct table *table;

    if (!zone || size < sizeof *table + 2 * each || size / each >= NONE) {
        free(zone);
        return fail(why, RC_MEMORY, "no memory for a zone of %llu bytes",
                    (unsigned long long)size);
    }
    table = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (table == MAP_FAILED) {
        free(zone);
        return fail_errno(why, RC_MEMORY, "mmap() of a zone failed");
    }
    *zone = (struct zone){.references = 1, .size = size, .table = table};
    table->capacity = (uint32_t)((size - sizeof *table) / each);
    table->buckets = table->capacity;
    zone->nodes = (struct node *)(table + 1);
    zone->buckets = (uint32_t *)(zone->nodes + table->capacity);
    if (getrandom(&table->seed, sizeof table->seed, 0) != sizeof table->seed)
        table->seed = (uintptr_t)zone;
    shared_lock_open(&table->lock);
    empty(zone);
    *out = zone;
    return RC_OK;
}

struct zone *zone_hold(struct zone *zone)
{
    zone->references++;
    return zone;
}

void zone_release(struct zone *zone)
{
    if (!zone || --zone->references > 0)
        return;
    munmap(zone->table, zone->size);
    free(zone);
}

void zone_lock(struct zone *zone)
{
    if (shared_lock_take(&zone->table->lock))
        empty(zone);
}

void zone_unlock(struct zone *zone)
{
    pthread_mutex_unlock(&zone->table->lock);
}

/* FNV-1a over a secret beginning, spread. */
static uint32_t *bucket_of(const struct zone *zone, struct span key)
{
    uint64_t hash = zone->table->seed;

    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ key.at[i]) * 1099511628211u;
    hash ^= hash >> 32;
    hash *= 0x9e3779b97f4a7c15;
    return &zone->buckets[(hash >> 32) % zone->table->buckets];
}

static void unlink_use(struct zone *zone, const struct node *node)
{
    struct table *table = zone->table;

    *(node->older == NONE ? &table->oldest : &zone->nodes[node->older].newer) = node->newer;
    *(node->newer == NONE ? &table->newest : &zone->nodes[node->newer].older) = node->older;
}

static void link_newest(struct zone *zone, uint32_t index)
{
    struct table *table = zone->table;
    struct node *node = &zone->nodes[index];

    node->older = table->newest;
    node->newer = NONE;
    *(node->older == NONE ? &table->oldest : &zone->nodes[node->older].newer) = index;
    table->newest = index;
}

struct zone_entry *zone_find(struct zone *zone, struct span key)
{
    for (uint32_t i = *bucket_of(zone, key); i != NONE; i = zone->nodes[i].next) {
        struct node *node = &zone->nodes[i];

        if (!span_equal(span_of(node->key, node->len), key))
            continue;
        if (zone->table->newest != i) {
            unlink_use(zone, node);
            link_newest(zone, i);
        }
        return &node->entry;
    }
    return NULL;
}

static struct node *node_of(struct zone_entry *entry)
{
    return (struct node *)((uint8_t *)entry - offsetof(struct node, entry));
}

void zone_remove(struct zone *zone, struct zone_entry *entry)
{
    struct node *node = node_of(entry);
    uint32_t index = (uint32_t)(node - zone->nodes);
    uint32_t *at = bucket_of(zone, span_of(node->key, node->len));

    while (*at != index)
        at = &zone->nodes[*at].next;
    *at = node->next;
    unlink_use(zone, node);
    node->next = zone->table->spare;
    zone->table->spare = index;
    zone->table->count--;
}

struct zone_entry *zone_oldest(struct zone *zone)
{
    return zone->table->oldest == NONE ? NULL : &zone->nodes[zone->table->oldest].entry;
}

/* The oldest that is not in use makes room; the search does not go on for ever. */
static bool make_room(struct zone *zone)
{
    uint32_t at = zone->table->oldest;

    for (int looks = 0; looks < 64 && at != NONE; looks++) {
        struct node *node = &zone->nodes[at];

        if (node->entry.count == 0) {
            zone_remove(zone, &node->entry);
            return true;
        }
        at = node->newer;
    }
    return false;
}

struct zone_entry *zone_add(struct zone *zone, struct span key)
{
    struct table *table = zone->table;
    uint32_t index, *bucket;
    struct node *node;

    if (key.len > ZONE_KEY_TEXT_MAX || (table->spare == NONE && !make_room(zone)))
        return NULL;
    index = table->spare;
    node = &zone->nodes[index];
    table->spare = node->next;
    *node = (struct node){.len = (uint8_t)key.len};
    memcpy(node->key, key.at, key.len);
    bucket = bucket_of(zone, key);
    node->next = *bucket;
    *bucket = index;
    link_newest(zone, index);
    table->count++;
    return &node->entry;
}

uint32_t zone_count(const struct zone *zone)
{
    return zone->table->count;
}

uint32_t zone_capacity(const struct zone *zone)
{
    return zone->table->capacity;
}
