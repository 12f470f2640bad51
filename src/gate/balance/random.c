#include <sys/random.h>

#include "gate/balance/pace.h"
#include "gate/balance/shares.h"

struct random {
    struct shares shares; /* first: see shares_open */
    uint64_t state;
};

/* Each start has a sequence of its own: many proxies do not all run to the same server. */
static enum rc random_open(struct peers *peers, struct arena *arena, struct fault *why)
{
    struct random *random = peers->state;

    if (getrandom(&random->state, sizeof random->state, 0) != sizeof random->state)
        return fail(why, RC_IO, "the system has no random bytes");
    return shares_open(peers, arena, why);
}

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t next_random(struct peers *peers, struct balance_request *request)
{
    struct random *random = peers->state;
    uint64_t z = random->state += 0x9e3779b97f4a7c15;

    (void)request;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static size_t random_pick(struct peers *peers, const struct balance_query *query)
{
    return shares_pick(peers, query, next_random);
}

/* Requests in flight for its weight: the lower the better. */
static double load_of(const struct peer *peer, uint64_t now_ms)
{
    return (double)peer->active / (double)balance_weight(peer, now_ms);
}

static double pace_of_header(const struct peer *peer, uint64_t now_ms)
{
    return pace_score(peer, PACE_HEADER, now_ms);
}

static double pace_of_last_byte(const struct peer *peer, uint64_t now_ms)
{
    return pace_score(peer, PACE_LAST_BYTE, now_ms);
}

static double pace_of_peak(const struct peer *peer, uint64_t now_ms)
{
    return pace_score(peer, PACE_PEAK, now_ms);
}

/* Two different ones at random; the better of them, the second where they are equal. */
static size_t pick_of_two(struct peers *peers, const struct balance_query *query,
                          double (*score)(const struct peer *peer, uint64_t now_ms))
{
    const struct random *random = peers->state;
    size_t first = BALANCE_NONE;

    while (random->shares.total > 0 && !balance_takes_turns(peers, query)) {
        uint64_t place = next_random(peers, query->request) % random->shares.total;
        size_t index = shares_find(&random->shares, peers->count, place);

        if (index == first || !balance_is_usable(peers, index, query))
            query->request->misses++;
        else if (first == BALANCE_NONE)
            first = index;
        else
            return score(&peers->all[index], query->now_ms) >
                           score(&peers->all[first], query->now_ms)
                       ? first
                       : index;
    }
    return balance_round_robin.pick(peers, query);
}

static size_t random_two_pick(struct peers *peers, const struct balance_query *query)
{
    return pick_of_two(peers, query, load_of);
}

static size_t random_two_header_pick(struct peers *peers, const struct balance_query *query)
{
    return pick_of_two(peers, query, pace_of_header);
}

static size_t random_two_last_byte_pick(struct peers *peers, const struct balance_query *query)
{
    return pick_of_two(peers, query, pace_of_last_byte);
}

static size_t random_two_peak_pick(struct peers *peers, const struct balance_query *query)
{
    return pick_of_two(peers, query, pace_of_peak);
}

const struct balance balance_random = {
    .name = "random",
    .doc = "Chooses the server by chance and weight",
    .state_size = sizeof(struct random),
    .open = random_open,
    .refresh = shares_refresh,
    .pick = random_pick,
};

const struct balance balance_random_two = {
    .name = "random two",
    .doc = "with two, the less busy of two such ones",
    .state_size = sizeof(struct random),
    .open = random_open,
    .refresh = shares_refresh,
    .pick = random_two_pick,
};

const struct balance balance_random_two_header = {
    .name = "random two least_time=header",
    .doc = "or the faster one, by the head of its answers (least_time=header)",
    .state_size = sizeof(struct random),
    .open = random_open,
    .refresh = shares_refresh,
    .pick = random_two_header_pick,
};

const struct balance balance_random_two_last_byte = {
    .name = "random two least_time=last_byte",
    .doc = "or their last bytes (least_time=last_byte)",
    .state_size = sizeof(struct random),
    .open = random_open,
    .refresh = shares_refresh,
    .pick = random_two_last_byte_pick,
};

const struct balance balance_random_two_peak_ewma = {
    .name = "random two peak_ewma",
    .doc = "or by a mean that follows a rise at once and a fall slowly (peak_ewma).",
    .state_size = sizeof(struct random),
    .open = random_open,
    .refresh = shares_refresh,
    .pick = random_two_peak_pick,
};
