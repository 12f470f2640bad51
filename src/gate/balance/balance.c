#include "gate/balance/balance.h"

#include <string.h>

#include "gate/balance/ledger.h"
#include "gate/balance/pace.h"

enum {
    MISSES_MAX = 20,  /* nginx's: then servers take turns */
    SETTLE_MS = 1000, /* how long other workers may not know what this one has counted */
};

static const struct balance *const balancers[] = {
    &balance_round_robin, /* first: the one that needs no directive */
    &balance_hash,
    &balance_hash_consistent,
    &balance_hash_maglev,
    &balance_ip_hash,
    &balance_least_conn,
    &balance_least_time_header,
    &balance_least_time_header_inflight,
    &balance_least_time_last_byte,
    &balance_least_time_last_byte_inflight,
    &balance_random,
    &balance_random_two,
    &balance_random_two_header,
    &balance_random_two_last_byte,
    &balance_random_two_peak_ewma,
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

/* Who is there: with one server that could be asked there is no other to spare it for. */
static void look_around(struct peers *peers)
{
    uint32_t weight = 0;
    size_t count = 0;

    peers->has_backup = false;
    peers->even = true;
    for (size_t i = 0; i < peers->count; i++) {
        if (peers->all[i].absent)
            continue;
        peers->has_backup = peers->has_backup || peers->all[i].backup;
        if (!peers->all[i].backup) {
            weight = weight ? weight : peers->all[i].weight;
            peers->even = peers->even && peers->all[i].weight == weight &&
                          peers->all[i].slow_start_ms == 0;
        }
        peers->only = i;
        count++;
    }
    peers->single = count == 1 && !peers->all[peers->only].backup;
}

enum rc balance_open(struct peers *peers, struct peer *all, size_t count,
                     const struct balance *how, struct arena *arena, struct fault *why)
{
    enum rc rc;

    *peers = (struct peers){.all = all, .count = count, .balance = how ? how : balancers[0]};
    if (peers->balance->state_size > 0) {
        peers->state = arena_take(arena, peers->balance->state_size);
        if (!peers->state)
            return fail(why, RC_MEMORY, "no memory for a balancer");
    }
    if (peers->balance->open && (rc = peers->balance->open(peers, arena, why)) != RC_OK)
        return rc;
    for (size_t i = 0; i < count; i++)
        all[i].effective = (int32_t)all[i].weight;
    look_around(peers);
    list_init(&peers->waiting);
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

    return peer->backup == query->backup && !peer->down && !peer->drain && !peer->ill &&
           !peer->absent && !is_full(peer) &&
           (query->ejected || !outlier_is_ejected(&peer->outlier, query->now_ms)) &&
           !was_tried(query->request->tried, index) &&
           (query->resting || !is_resting(peer, query->now_ms));
}

static bool has_weakened(const struct peers *peers)
{
    for (size_t i = 0; i < peers->count; i++)
        if (!peers->all[i].absent && !peers->all[i].backup &&
            peers->all[i].effective < (int32_t)peers->all[i].weight)
            return true;
    return false;
}

bool balance_is_even(struct peers *peers, const struct balance_query *query)
{
    if (!peers->even || query->backup)
        return false;
    if (peers->weakened)
        peers->weakened = has_weakened(peers);
    return !peers->weakened;
}

bool balance_takes_turns(const struct peers *peers, const struct balance_query *query)
{
    bool no_key = peers->balance->key != BALANCE_KEY_NONE && query->request->key.len == 0;

    return no_key || query->backup || query->resting || query->request->misses > MISSES_MAX;
}

bool balance_has_room(const struct peers *peers, size_t index,
                      const struct balance_query *query)
{
    uint64_t weights = 0, most;

    if (!balance_is_usable(peers, index, query))
        return false;
    if (peers->load_percent == 0)
        return true;
    for (size_t i = 0; i < peers->count; i++)
        if (!peers->all[i].backup && !peers->all[i].down && !peers->all[i].drain &&
            !peers->all[i].absent)
            weights += peers->all[i].weight;
    most = (uint64_t)(peers->active + 1) * peers->load_percent * peers->all[index].weight;
    return (uint64_t)peers->all[index].active * 100 * weights < most;
}

uint64_t balance_weight(const struct peer *peer, uint64_t now_ms)
{
    const uint64_t whole = (uint64_t)peer->weight * 256;
    uint64_t since = now_ms > peer->recovered_ms ? now_ms - peer->recovered_ms : 0;

    if (peer->recovered_ms == 0 || since >= peer->slow_start_ms)
        return whole;
    return whole * (since + 1) / (peer->slow_start_ms + 1) + 1;
}

/* The only one: there is no other to spare it for, so that failures do not count. */
static size_t pick_single(const struct peers *peers, const uint64_t *tried)
{
    const struct peer *peer = &peers->all[peers->only];

    return peer->down || peer->drain || peer->ill || is_full(peer) ||
                   was_tried(tried, peers->only)
               ? BALANCE_NONE
               : peers->only;
}

/* The one that it sticks to, while that lives; it may be about to leave, or be a backup. */
static bool can_stay(const struct peers *peers, const struct balance_request *request,
                     uint64_t now_ms)
{
    const size_t index = request->wanted - 1;
    const struct peer *peer;

    if (request->wanted == 0 || index >= peers->count)
        return false;
    peer = &peers->all[index];
    return !peer->down && !peer->absent && !peer->ill && !is_full(peer) &&
           !outlier_is_ejected(&peer->outlier, now_ms) && !was_tried(request->tried, index) &&
           (peers->single || !is_resting(peer, now_ms));
}

static size_t pick(struct peers *peers, uint64_t now_ms, struct balance_request *request)
{
    struct balance_query query = {.now_ms = now_ms, .request = request};
    size_t index;

    if (can_stay(peers, request, now_ms))
        return request->wanted - 1;
    if (peers->single)
        return pick_single(peers, request->tried);
    index = peers->balance->pick(peers, &query);
    if (index == BALANCE_NONE && peers->has_backup) {
        query.backup = true;
        index = peers->balance->pick(peers, &query);
    }
    if (index == BALANCE_NONE && peers->outliers.max_percent > 0) {
        query.backup = false;
        query.ejected = true; /* better than none */
        index = peers->balance->pick(peers, &query);
    }
    if (index == BALANCE_NONE && peers->revives) {
        query.backup = false;
        query.resting = true;
        index = peers->balance->pick(peers, &query);
    }
    return index;
}

static void begin_request(struct peers *peers, struct peer *peer, uint64_t now_ms,
                          struct balance_request *request)
{
    peer->active++;
    peers->active++;
    peer->started_ms += now_ms;
    peer->chosen_ms = now_ms;
    peer->figures.requests++;
    peer->uncounted = true;
    if (request->is_retry)
        peer->figures.retries++;
    else
        retry_budget_earn(&peers->budget);
    request->is_retry = true;
    if (unchecked_ms(peer, now_ms) > peer->fail_timeout_ms)
        peer->checked_ms = now_ms; /* others rest until this one has shown how it is */
}

size_t balance_pick(struct peers *peers, uint64_t now_ms, struct balance_request *request)
{
    size_t index;

    pthread_mutex_lock(&peers->lock);
    ledger_look(peers);
    index = pick(peers, now_ms, request);
    if (index != BALANCE_NONE) {
        begin_request(peers, &peers->all[index], now_ms, request);
        request->tried[index / 64] |= UINT64_C(1) << (index % 64);
    }
    pthread_mutex_unlock(&peers->lock);
    return index;
}

bool balance_may_come_free(struct peers *peers, const struct balance_request *request)
{
    bool may = false;

    pthread_mutex_lock(&peers->lock);
    may = peers->resolving;
    for (size_t i = 0; i < peers->count && !may; i++)
        may = !was_tried(request->tried, i) && !peers->all[i].down && !peers->all[i].drain &&
              (!peers->all[i].absent || !request->is_retry);
    pthread_mutex_unlock(&peers->lock);
    return may;
}

static const char *describe(enum balance_outcome outcome)
{
    static const char *const names[BALANCE_OUTCOMES] = {
        [BALANCE_DONE] = "a failure",           [BALANCE_ERROR] = "no connection, or it broke",
        [BALANCE_TIMEOUT] = "it took too long", [BALANCE_INVALID] = "its answer is none",
        [BALANCE_UNWANTED] = "its status",      [BALANCE_LEFT] = "the client left",
    };

    return names[outcome];
}

static void note_failure(struct peers *peers, struct peer *peer,
                         const struct balance_result *result, uint64_t now_ms)
{
    const char *what = describe(result->outcome);

    if (result->outcome == BALANCE_UNWANTED)
        ledger_note(peers, peer, PEER_FAILED, now_ms, "%s was %u", what, result->status);
    else
        ledger_note(peers, peer, PEER_FAILED, now_ms, "%s", what);
}

/* True when this failure is the one that reaches the limit. */
static bool count_failure(struct peers *peers, struct peer *peer, uint64_t now_ms)
{
    peer->accessed_ms = peer->checked_ms = now_ms;
    if (peer->max_fails == 0)
        return false;
    if (peer->fails < UINT32_MAX)
        peer->fails++;
    peer->effective -= (int32_t)(peer->weight / peer->max_fails);
    peers->weakened = true;
    if (peer->effective < 0)
        peer->effective = 0;
    if (peer->fails < peer->max_fails)
        return false;
    peer->figures.disabled++;
    return true;
}

/* It was asked again after the last failure, and lives. */
static void recover(struct peers *peers, struct peer *peer, uint64_t now_ms)
{
    bool rested = peer->max_fails > 0 && peer->fails >= peer->max_fails;

    if (peer->slow_start_ms > 0 && rested)
        peer->recovered_ms = now_ms;
    peer->fails = 0;
    if (rested)
        ledger_note(peers, peer, PEER_RECOVERED, now_ms, "it has answered again");
    else
        ledger_tell(peers, peer);
}

static size_t bucket_of(uint64_t ms)
{
    size_t bucket = 0;

    while (bucket + 1 < LATENCY_BUCKETS && ms > UINT64_C(1) << bucket)
        bucket++;
    return bucket;
}

static void count(struct peer *peer, const struct balance_result *result, uint64_t now_ms)
{
    struct peer_figures *figures = &peer->figures;

    peer->uncounted = true; /* again, if figures were settled since the request began */
    figures->outcomes[result->outcome]++;
    figures->statuses[result->status / 100 < 6 ? result->status / 100 : 0]++;
    figures->sent += result->sent;
    figures->received += result->received;
    if (result->header_ms < result->began_ms || result->ended_ms < result->header_ms)
        return; /* no answer came, or the clock is that of another loop */
    figures->header_ms[bucket_of(result->header_ms - result->began_ms)]++;
    figures->header_sum_ms += result->header_ms - result->began_ms;
    pace_add(&peer->latency, result->header_ms - result->began_ms,
             result->ended_ms - result->began_ms, now_ms);
}

static void wake_first(struct peers *peers)
{
    struct balance_waiter *waiter;

    if (list_is_empty(&peers->waiting))
        return;
    waiter = LIST_OWNER(peers->waiting.next, struct balance_waiter, link);
    list_remove(&waiter->link);
    peers->waiting_count--;
    waiter->waits = false;
    waiter->wake(waiter);
}

/* Whose fault it was: the client's going is nobody's, and a status below 500 is an answer. */
static bool has_succeeded(const struct balance_result *result)
{
    return (result->outcome == BALANCE_DONE || result->outcome == BALANCE_LEFT) &&
           result->status < 500;
}

enum balance_news balance_free(struct peers *peers, size_t index,
                               const struct balance_result *result, uint64_t now_ms)
{
    struct peer *peer = &peers->all[index];
    bool disabled = false, ejected;

    pthread_mutex_lock(&peers->lock);
    ledger_look(peers);
    peer->active--;
    peers->active--;
    peer->started_ms -= result->began_ms;
    count(peer, result, now_ms);
    if (!peers->single) {
        if (result->failed) {
            disabled = count_failure(peers, peer, now_ms);
            if (disabled)
                note_failure(peers, peer, result, now_ms);
            else
                ledger_tell(peers, peer);
        } else if (peer->accessed_ms < peer->checked_ms) {
            recover(peers, peer, now_ms);
        }
    }
    ejected = outlier_count(
        peers, index, has_succeeded(result),
        result->header_ms > result->began_ms ? result->header_ms - result->began_ms : 0,
        now_ms);
    if (peers->leaves || now_ms > peers->settled_ms + SETTLE_MS)
        ledger_settle(peers, now_ms);
    wake_first(peers);
    pthread_mutex_unlock(&peers->lock);
    return disabled ? BALANCE_DISABLED : ejected ? BALANCE_EJECTED : BALANCE_NO_NEWS;
}

void balance_count_check(struct peers *peers, size_t index, bool is_well, uint64_t now_ms)
{
    struct peer *peer = &peers->all[index];

    pthread_mutex_lock(&peers->lock);
    peer->probed_ms = now_ms;
    peer->figures.checks++;
    peer->figures.checks_failed += !is_well;
    peer->uncounted = true;
    pthread_mutex_unlock(&peers->lock);
}

bool balance_set_health(struct peers *peers, size_t index, bool is_well, const char *why,
                        uint64_t now_ms)
{
    struct peer *peer = &peers->all[index];
    bool changes;

    pthread_mutex_lock(&peers->lock);
    ledger_look(peers);
    changes = peer->ill == is_well || peer->unchecked;
    if (changes) {
        peer->unchecked = false;
        peer->ill = !is_well;
        peer->changed_ms = now_ms;
        if (is_well && peer->slow_start_ms > 0)
            peer->recovered_ms = now_ms;
        ledger_note(peers, peer, is_well ? PEER_BECAME_WELL : PEER_BECAME_ILL, now_ms, "%s",
                    why);
        if (is_well)
            wake_first(peers);
    }
    pthread_mutex_unlock(&peers->lock);
    return changes;
}

void balance_lock(struct peers *peers)
{
    pthread_mutex_lock(&peers->lock);
}

/* Nothing that was known of the slot's last address holds; requests to that one may still be at it. */
void balance_enter(struct peers *peers, size_t index, struct span place, uint64_t now_ms)
{
    struct peer *peer = &peers->all[index];

    peer->absent = false;
    peer->fails = 0;
    peer->effective = (int32_t)peer->weight;
    peer->current = 0;
    peer->accessed_ms = peer->checked_ms = 0;
    peer->changed_ms = now_ms;
    peer->recovered_ms = peer->slow_start_ms > 0 ? now_ms : 0;
    peer->latency = (struct latency){0};
    peer->outlier = (struct outlier){0};
    ledger_bind(peers, peer, place, now_ms);
    ledger_note(peers, peer, PEER_APPEARED, now_ms, "its name has this address now");
}

void balance_part(struct peers *peers, size_t index, uint64_t now_ms)
{
    peers->all[index].absent = true;
    ledger_settle(peers, now_ms);
    ledger_unbind(peers, &peers->all[index], now_ms);
}

void balance_remember(struct peers *peers, struct ledger *ledger, uint64_t now_ms)
{
    pthread_mutex_lock(&peers->lock);
    ledger_begin(peers, ledger);
    for (size_t i = 0; i < peers->count; i++)
        if (!peers->all[i].absent)
            ledger_bind(peers, &peers->all[i], (struct span){0}, now_ms);
    pthread_mutex_unlock(&peers->lock);
}

void balance_leave(struct peers *peers, uint64_t now_ms)
{
    pthread_mutex_lock(&peers->lock);
    peers->leaves = true;
    ledger_settle(peers, now_ms);
    pthread_mutex_unlock(&peers->lock);
}

void balance_unlock_changed(struct peers *peers, bool changed)
{
    if (changed) {
        look_around(peers);
        if (peers->balance->refresh)
            peers->balance->refresh(peers);
        for (uint32_t left = peers->waiting_count; left > 0; left--)
            wake_first(peers);
    }
    pthread_mutex_unlock(&peers->lock);
}

bool balance_may_retry(struct peers *peers, uint64_t now_ms)
{
    bool may;

    pthread_mutex_lock(&peers->lock);
    may = retry_budget_take(&peers->budget, now_ms);
    pthread_mutex_unlock(&peers->lock);
    return may;
}

bool balance_wait(struct peers *peers, struct balance_waiter *waiter, bool again)
{
    bool has_room;

    pthread_mutex_lock(&peers->lock);
    has_room = again || peers->resolving || peers->waiting_count < peers->queue;
    if (!has_room) {
        peers->overflowed++;
    } else if (!waiter->waits) {
        if (again)
            list_add(&peers->waiting, &waiter->link);
        else
            list_add_last(&peers->waiting, &waiter->link);
        peers->waiting_count++;
        waiter->waits = true;
    }
    pthread_mutex_unlock(&peers->lock);
    return has_room;
}

void balance_unwait(struct peers *peers, struct balance_waiter *waiter, bool in_vain)
{
    pthread_mutex_lock(&peers->lock);
    if (waiter->waits) {
        list_remove(&waiter->link);
        peers->waiting_count--;
        waiter->waits = false;
    }
    if (in_vain)
        peers->overflowed++;
    pthread_mutex_unlock(&peers->lock);
}

enum peer_state balance_state(const struct peer *peer, uint64_t now_ms)
{
    if (peer->down || peer->absent)
        return PEER_DOWN;
    if (peer->drain)
        return PEER_DRAINING;
    if (peer->ill)
        return PEER_ILL;
    if (outlier_is_ejected(&peer->outlier, now_ms))
        return PEER_EJECTED;
    if (is_resting(peer, now_ms))
        return PEER_RESTING;
    if (is_full(peer))
        return PEER_FULL;
    return balance_weight(peer, now_ms) < (uint64_t)peer->weight * 256 ? PEER_STARTING
                                                                       : PEER_UP;
}

const char *balance_state_name(enum peer_state state)
{
    static const char *const names[PEER_STATES] = {
        [PEER_UP] = "up",
        [PEER_STARTING] = "starting",
        [PEER_FULL] = "full",
        [PEER_RESTING] = "unavail",
        [PEER_EJECTED] = "ejected",
        [PEER_ILL] = "unhealthy",
        [PEER_DRAINING] = "draining",
        [PEER_DOWN] = "down",
    };

    return names[state];
}
