#include <stdlib.h>

#include "gate/balance/balance.h"
#include "gate/balance/crc32.h"

enum {
    POINTS = 160,        /* of a server, for each unit of its weight */
    WEIGHTS_MAX = 65536, /* of all: 80 MB of points */
};

#define NO_PEER UINT32_MAX

struct point {
    uint32_t hash;
    uint32_t peer; /* the first one of that name */
};

/* Ketama: a circle of hashes; a key belongs to the next point at or behind its own. */
struct ring {
    struct point *points; /* by hash, none twice */
    size_t count;
    uint32_t *next; /* by peer: the next one of the same name, or NO_PEER */
};

/* "HOST:PORT" as HOST NUL PORT; "unix:" is left away. */
static uint32_t crc_of_name(struct span name)
{
    struct span host = name;
    size_t digits = 0;
    uint32_t crc;

    if (name.len >= 5 && strncasecmp((const char *)name.at, "unix:", 5) == 0) {
        span_cut(&host, 5);
        return crc32_add(crc32_add(0, host), span_of("", 1));
    }
    while (digits < name.len && name.at[name.len - digits - 1] >= '0' &&
           name.at[name.len - digits - 1] <= '9')
        digits++;
    if (digits == name.len || name.at[name.len - digits - 1] != ':')
        return crc32_add(crc32_add(0, host), span_of("", 1));
    host.len = name.len - digits - 1;
    crc = crc32_add(crc32_add(0, host), span_of("", 1));
    return crc32_add(crc, span_of(name.at + name.len - digits, digits));
}

/* As Cache::Memcached::Fast and nginx have it: crc32(HOST NUL PORT PREVIOUS), from 0. */
static void add_points(struct ring *ring, const struct peer *peer, uint32_t first)
{
    uint32_t base = crc_of_name(peer->name), hash = 0;

    for (uint64_t i = 0; i < (uint64_t)peer->weight * POINTS; i++) {
        uint8_t previous[4] = {(uint8_t)hash, (uint8_t)(hash >> 8), (uint8_t)(hash >> 16),
                               (uint8_t)(hash >> 24)};

        hash = crc32_add(base, span_of(previous, sizeof previous));
        ring->points[ring->count++] = (struct point){.hash = hash, .peer = first};
    }
}

static int compare(const void *a, const void *b)
{
    const struct point *p = a, *q = b;

    if (p->hash != q->hash)
        return p->hash < q->hash ? -1 : 1;
    return (p->peer > q->peer) - (p->peer < q->peer);
}

static void sort(struct ring *ring)
{
    size_t kept = 0;

    if (ring->count == 0)
        return;
    qsort(ring->points, ring->count, sizeof *ring->points, compare);
    for (size_t i = 1; i < ring->count; i++)
        if (ring->points[i].hash != ring->points[kept].hash)
            ring->points[++kept] = ring->points[i];
    ring->count = kept + 1;
}

/* Chains the peer behind those of the same name; returns the first of them. */
static uint32_t chain(const struct ring *ring, const struct peers *peers, uint32_t peer)
{
    uint32_t first = 0, last;

    while (peers->all[first].backup ||
           !span_equal(peers->all[first].name, peers->all[peer].name))
        first++; /* it finds itself at last */
    ring->next[peer] = NO_PEER;
    if (first == peer)
        return peer;
    for (last = first; ring->next[last] != NO_PEER;)
        last = ring->next[last];
    ring->next[last] = peer;
    return first;
}

static enum rc ring_open(struct peers *peers, struct arena *arena, struct fault *why)
{
    struct ring *ring = peers->state;
    uint64_t weights = 0;

    for (size_t i = 0; i < peers->count; i++)
        weights += peers->all[i].backup ? 0 : peers->all[i].weight;
    if (weights > WEIGHTS_MAX || peers->count >= NO_PEER)
        return fail(why, RC_LIMIT,
                    "the weights of a group with \"hash ... consistent\" add up to %llu; "
                    "up to %d are possible: divide them all by the same number",
                    (unsigned long long)weights, WEIGHTS_MAX);
    ring->points = arena_take_array(arena, weights * POINTS + 1, sizeof *ring->points);
    ring->next = arena_take_array(arena, peers->count, sizeof *ring->next);
    if (!ring->points || !ring->next)
        return fail(why, RC_MEMORY, "no memory for the points of a consistent hash");
    for (uint32_t i = 0; i < peers->count; i++) {
        if (!peers->all[i].backup)
            add_points(ring, &peers->all[i], chain(ring, peers, i));
    }
    sort(ring);
    return RC_OK;
}

/* The first point at or behind the hash; ring->count where that is behind the last. */
static uint32_t find_point(const struct ring *ring, uint32_t hash)
{
    size_t low = 0, high = ring->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (ring->points[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint32_t)low;
}

/* Those of one name take turns. */
static size_t pick_of_name(struct peers *peers, const struct balance_query *query,
                           uint32_t first)
{
    const struct ring *ring = peers->state;
    size_t best = BALANCE_NONE;
    int64_t total = 0;

    for (uint32_t i = first; i != NO_PEER; i = ring->next[i]) {
        if (!balance_has_room(peers, i, query))
            continue;
        total += balance_earn(&peers->all[i], query->now_ms);
        if (best == BALANCE_NONE || peers->all[i].current > peers->all[best].current)
            best = i;
    }
    if (best != BALANCE_NONE)
        peers->all[best].current -= total;
    return best;
}

static size_t ring_pick(struct peers *peers, const struct balance_query *query)
{
    const struct ring *ring = peers->state;
    struct balance_request *request = query->request;

    if (request->round++ == 0)
        request->hash = find_point(ring, crc32_add(0, request->key));
    while (ring->count > 0 && !balance_takes_turns(peers, query)) {
        size_t index =
            pick_of_name(peers, query, ring->points[request->hash % ring->count].peer);

        if (index != BALANCE_NONE)
            return index;
        request->hash++;
        request->misses++;
    }
    return balance_round_robin.pick(peers, query);
}

const struct balance balance_hash_consistent = {
    .name = "hash consistent",
    .doc = "with consistent few keys change theirs when a server comes or goes",
    .key = BALANCE_KEY_TEXT,
    .state_size = sizeof(struct ring),
    .open = ring_open,
    .pick = ring_pick,
};
