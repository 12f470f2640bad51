#include "gate/balance/balance.h"

/* Negative, 0 or positive: `a` has fewer requests in flight for its weight than `b`, as many, or more. */
static int compare(const struct peer *a, const struct peer *b, uint64_t now_ms)
{
    uint64_t of_a = a->active * balance_weight(b, now_ms);
    uint64_t of_b = b->active * balance_weight(a, now_ms);

    return (of_a > of_b) - (of_a < of_b);
}

/* The first of those that have the fewest; *alone: no other has as few. */
static size_t find_least(struct peers *peers, const struct balance_query *query, bool *alone)
{
    size_t best = BALANCE_NONE;

    *alone = true;
    for (size_t i = 0; i < peers->count; i++) {
        int order;

        if (!balance_is_usable(peers, i, query))
            continue;
        order = best == BALANCE_NONE
                    ? -1
                    : compare(&peers->all[i], &peers->all[best], query->now_ms);
        if (order < 0) {
            best = i;
            *alone = true;
        } else if (order == 0) {
            *alone = false;
        }
    }
    return best;
}

/* Of peers that weigh the same: the first from the next one on that has the fewest. None has fewer than none. */
static size_t pick_even(struct peers *peers, const struct balance_query *query)
{
    size_t best = BALANCE_NONE;

    for (size_t left = peers->count, at = peers->next; left > 0; left--, at++) {
        if (at >= peers->count)
            at = 0;
        if ((best != BALANCE_NONE && peers->all[at].active >= peers->all[best].active) ||
            !balance_is_usable(peers, at, query))
            continue;
        best = at;
        if (peers->all[at].active == 0)
            break;
    }
    if (best != BALANCE_NONE && !query->request->is_retry)
        peers->next = best + 1;
    return best;
}

/*
 * Those that have as few as the first one take turns, by smooth weighted round robin among
 * themselves; the credit of the others stays as it is.
 */
static size_t least_conn_pick(struct peers *peers, const struct balance_query *query)
{
    bool alone;
    size_t first, best = BALANCE_NONE;
    int64_t total = 0;

    if (balance_is_even(peers, query))
        return pick_even(peers, query);
    first = find_least(peers, query, &alone);
    if (alone)
        return first;
    for (size_t i = first; i < peers->count; i++) {
        if (!balance_is_usable(peers, i, query) ||
            compare(&peers->all[i], &peers->all[first], query->now_ms) != 0)
            continue;
        total += balance_earn(&peers->all[i], query->now_ms);
        if (best == BALANCE_NONE || peers->all[i].current > peers->all[best].current)
            best = i;
    }
    peers->all[best].current -= total;
    return best;
}

const struct balance balance_least_conn = {
    .name = "least_conn",
    .doc = "Chooses the server with the fewest requests in flight for its weight; equals take "
           "turns.",
    .has_backups = true,
    .pick = least_conn_pick,
};
