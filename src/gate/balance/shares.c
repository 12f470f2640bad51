#include "gate/balance/shares.h"

enum rc shares_open(struct peers *peers, struct arena *arena, struct fault *why)
{
    struct shares *shares = peers->state;

    shares->ends = arena_take_array(arena, peers->count, sizeof *shares->ends);
    if (!shares->ends)
        return fail(why, RC_MEMORY, "no memory for the weights of %zu servers", peers->count);
    shares_refresh(peers);
    return RC_OK;
}

void shares_refresh(struct peers *peers)
{
    struct shares *shares = peers->state;

    shares->total = 0;
    for (size_t i = 0; i < peers->count; i++) {
        if (!peers->all[i].backup && !peers->all[i].absent)
            shares->total += peers->all[i].weight;
        shares->ends[i] = shares->total;
    }
}

size_t shares_find(const struct shares *shares, size_t count, uint64_t place)
{
    size_t low = 0, high = count - 1;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (place < shares->ends[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

size_t shares_pick(struct peers *peers, const struct balance_query *query,
                   uint64_t (*next)(struct peers *peers, struct balance_request *request))
{
    const struct shares *shares = peers->state;

    while (shares->total > 0 && !balance_takes_turns(peers, query)) {
        uint64_t place = next(peers, query->request) % shares->total;
        size_t index = shares_find(shares, peers->count, place);

        if (balance_has_room(peers, index, query))
            return index;
        query->request->misses++;
    }
    return balance_round_robin.pick(peers, query);
}
