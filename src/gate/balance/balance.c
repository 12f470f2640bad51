#include "gate/balance/balance.h"

#include <string.h>

enum { MISSES_MAX = 20 }; /* nginx's: then servers take turns */

static const struct balance *const balancers[] = {
    &balance_round_robin, /* first: the one that needs no directive */
    &balance_hash,        &balance_hash_consistent, &balance_ip_hash,
    &balance_least_conn,  &balance_random,          &balance_random_two,
};

const struct balance *balance_at(size_t i)
{
    return i < sizeof balancers / sizeof *balancers ? balancers[i] : NULL;
}

const struct balance *balance_find(const char *name)
{
    for (size_t i = 0; i < sizeof balancers / sizeof *balancers; i++)
        if (strcmp(balancers[i]->name, name) == 0)
            return balancers[i];
    return NULL;
}

enum rc balance_open(struct peers *peers, struct peer *all, size_t count,
                     const struct balance *how, struct arena *arena, struct fault *why)
{
    size_t primaries = 0;
    enum rc rc;

    *peers = (struct peers){.all = all, .count = count, .balance = how ? how : balancers[0]};
    if (peers->balance->state_size > 0) {
        peers->state = arena_take(arena, peers->balance->state_size);
        if (!peers->state)
            return fail(why, RC_MEMORY, "no memory for a balancer");
    }
    if (peers->balance->open && (rc = peers->balance->open(peers, arena, why)) != RC_OK)
        return rc;
    for (size_t i = 0; i < count; i++) {
        all[i].effective = (int32_t)all[i].weight;
        if (!all[i].backup)
            primaries++;
    }
    peers->has_backup = primaries < count;
    peers->single = primaries == 1 && count == 1;
    pthread_mutex_init(&peers->lock, NULL);
    return RC_OK;
}

void balance_close(struct peers *peers)
{
    if (peers->balance)
        pthread_mutex_destroy(&peers->lock);
    *peers = (struct peers){0};
}

static bool was_tried(const uint64_t *tried, size_t index)
{
    return tried[index / 64] >> (index % 64) & 1;
}

/* The loops read the clock each for itself: what another has written may lie ahead. */
static uint64_t unchecked_ms(const struct peer *peer, uint64_t now_ms)
{
    return now_ms > peer->checked_ms ? now_ms - peer->checked_ms : 0;
}

/* Disabled by its failures, and not yet due for the one request that finds out how it is now.
 */
static bool is_resting(const struct peer *peer, uint64_t now_ms)
{
    return peer->max_fails > 0 && peer->fails >= peer->max_fails &&
           unchecked_ms(peer, now_ms) <= peer->fail_timeout_ms;
}

static bool is_full(const struct peer *peer)
{
    return peer->max_conns > 0 && peer->active >= peer->max_conns;
}

bool balance_is_usable(const struct peers *peers, size_t index,
                       const struct balance_query *query)
{
    const struct peer *peer = &peers->all[index];

    return peer->backup == query->backup && !peer->down && !is_full(peer) &&
           !was_tried(query->request->tried, index) &&
           (query->resting || !is_resting(peer, query->now_ms));
}

bool balance_takes_turns(const struct peers *peers, const struct balance_query *query)
{
    bool no_key = peers->balance->key != BALANCE_KEY_NONE && query->request->key.len == 0;

    return no_key || query->backup || query->resting || query->request->misses > MISSES_MAX;
}

/* The only one: there is no other to spare it for, so that failures do not count. */
static size_t pick_single(const struct peers *peers, const uint64_t *tried)
{
    const struct peer *peer = peers->all;

    return peer->down || is_full(peer) || was_tried(tried, 0) ? BALANCE_NONE : 0;
}

static size_t pick(struct peers *peers, uint64_t now_ms, struct balance_request *request)
{
    struct balance_query query = {.now_ms = now_ms, .request = request};
    size_t index;

    if (peers->single)
        return pick_single(peers, request->tried);
    index = peers->balance->pick(peers, &query);
    if (index == BALANCE_NONE && peers->has_backup) {
        query.backup = true;
        index = peers->balance->pick(peers, &query);
    }
    if (index == BALANCE_NONE && peers->revives) {
        query.backup = false;
        query.resting = true;
        index = peers->balance->pick(peers, &query);
    }
    return index;
}

size_t balance_pick(struct peers *peers, uint64_t now_ms, struct balance_request *request)
{
    struct peer *peer;
    size_t index;

    pthread_mutex_lock(&peers->lock);
    index = pick(peers, now_ms, request);
    if (index != BALANCE_NONE) {
        peer = &peers->all[index];
        peer->active++;
        if (unchecked_ms(peer, now_ms) > peer->fail_timeout_ms)
            peer->checked_ms = now_ms; /* others rest until this one has shown how it is */
        request->tried[index / 64] |= UINT64_C(1) << (index % 64);
    }
    pthread_mutex_unlock(&peers->lock);
    return index;
}

/* True when this failure is the one that reaches the limit. */
static bool count_failure(struct peer *peer, uint64_t now_ms)
{
    peer->accessed_ms = peer->checked_ms = now_ms;
    if (peer->max_fails == 0)
        return false;
    if (peer->fails < UINT32_MAX)
        peer->fails++;
    peer->effective -= (int32_t)(peer->weight / peer->max_fails);
    if (peer->effective < 0)
        peer->effective = 0;
    return peer->fails >= peer->max_fails;
}

bool balance_free(struct peers *peers, size_t index, bool failed, uint64_t now_ms)
{
    struct peer *peer = &peers->all[index];
    bool disabled = false;

    pthread_mutex_lock(&peers->lock);
    peer->active--;
    if (!peers->single) {
        if (failed)
            disabled = count_failure(peer, now_ms);
        else if (peer->accessed_ms < peer->checked_ms)
            peer->fails = 0; /* it was asked again after the last failure, and lives */
    }
    pthread_mutex_unlock(&peers->lock);
    return disabled;
}
