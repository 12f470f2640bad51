#include "gate/balance/balance.h"

int64_t balance_earn(struct peer *peer, uint64_t now_ms)
{
    uint64_t weight = balance_weight(peer, now_ms);
    int64_t earned = (int64_t)(weight * (uint64_t)peer->effective / peer->weight);

    peer->current += earned;
    if (peer->effective < (int32_t)peer->weight)
        peer->effective++;
    return earned;
}

/* Of peers that weigh the same: the next one. */
static size_t pick_next(struct peers *peers, const struct balance_query *query)
{
    for (size_t left = peers->count, at = peers->next; left > 0; left--) {
        size_t this = at < peers->count ? at : 0;

        at = this + 1;
        if (balance_is_usable(peers, this, query)) {
            if (!query->request->is_retry) /* the turn of whoever stands in is still to come */
                peers->next = at;
            return this;
        }
    }
    return BALANCE_NONE;
}

/*
 * Smooth weighted round robin: at each pick every usable peer earns its weight as credit, the
 * richest is chosen, and pays what all earned. So weights 5 1 1 give a a b a c a a, not a a a
 * a a b c. The weight that counts is the effective one: a failure lowers it, each pick raises
 * it again by one.
 */
static size_t round_robin_pick(struct peers *peers, const struct balance_query *query)
{
    size_t best = BALANCE_NONE;
    int64_t total = 0;

    if (balance_is_even(peers, query))
        return pick_next(peers, query);
    for (size_t i = 0; i < peers->count; i++) {
        struct peer *peer = &peers->all[i];

        if (!balance_is_usable(peers, i, query))
            continue;
        total += balance_earn(peer, query->now_ms);
        if (best == BALANCE_NONE || peer->current > peers->all[best].current)
            best = i;
    }
    if (best != BALANCE_NONE)
        peers->all[best].current -= total;
    return best;
}

const struct balance balance_round_robin = {
    .name = "round_robin",
    .doc = "Chooses the servers in turn, each as often as its weight asks for.",
    .has_backups = true,
    .pick = round_robin_pick,
};
