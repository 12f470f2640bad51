#include "gate/balance/pace.h"

/* The first of those with the lowest score; *alone: no other has as low a one. */
static size_t find_fastest(const struct peers *peers, const struct balance_query *query,
                           enum pace pace, double *lowest, bool *alone)
{
    size_t best = BALANCE_NONE;

    *alone = true;
    for (size_t i = 0; i < peers->count; i++) {
        double score;

        if (!balance_is_usable(peers, i, query))
            continue;
        score = pace_score(&peers->all[i], pace, query->now_ms);
        if (best == BALANCE_NONE || score < *lowest) {
            best = i;
            *lowest = score;
            *alone = true;
        } else if (score == *lowest) {
            *alone = false;
        }
    }
    return best;
}

/* Those that are as fast as the first one take turns among themselves. */
static size_t pick(struct peers *peers, const struct balance_query *query, enum pace pace)
{
    bool alone;
    double lowest = 0;
    size_t first = find_fastest(peers, query, pace, &lowest, &alone), best = BALANCE_NONE;
    int64_t total = 0;

    if (alone)
        return first;
    for (size_t i = first; i < peers->count; i++) {
        if (!balance_is_usable(peers, i, query) ||
            pace_score(&peers->all[i], pace, query->now_ms) != lowest)
            continue;
        total += balance_earn(&peers->all[i], query->now_ms);
        if (best == BALANCE_NONE || peers->all[i].current > peers->all[best].current)
            best = i;
    }
    peers->all[best].current -= total;
    return best;
}

static size_t pick_by_header(struct peers *peers, const struct balance_query *query)
{
    return pick(peers, query, PACE_HEADER);
}

static size_t pick_by_header_inflight(struct peers *peers, const struct balance_query *query)
{
    return pick(peers, query, PACE_HEADER | PACE_INFLIGHT);
}

static size_t pick_by_last_byte(struct peers *peers, const struct balance_query *query)
{
    return pick(peers, query, PACE_LAST_BYTE);
}

static size_t pick_by_last_byte_inflight(struct peers *peers,
                                         const struct balance_query *query)
{
    return pick(peers, query, PACE_LAST_BYTE | PACE_INFLIGHT);
}

const struct balance balance_least_time_header = {
    .name = "least_time header",
    .doc = "Chooses the server with the lowest mean time to the head of an answer, and the "
           "fewest requests in flight, for its weight",
    .has_backups = true,
    .pick = pick_by_header,
};

const struct balance balance_least_time_header_inflight = {
    .name = "least_time header inflight",
    .doc =
        "with inflight, those that are not answered yet count by how long they have waited.",
    .has_backups = true,
    .pick = pick_by_header_inflight,
};

const struct balance balance_least_time_last_byte = {
    .name = "least_time last_byte",
    .doc = "or to its last byte (last_byte)",
    .has_backups = true,
    .pick = pick_by_last_byte,
};

const struct balance balance_least_time_last_byte_inflight = {
    .name = "least_time last_byte inflight",
    .doc =
        "with inflight, those that are not answered yet count by how long they have waited.",
    .has_backups = true,
    .pick = pick_by_last_byte_inflight,
};
