#include <stdio.h>

#include "gate/balance/crc32.h"
#include "gate/balance/shares.h"

/* As Cache::Memcached and nginx have it: each round adds ((crc32([ROUND] KEY) >> 16) & 0x7fff).
 */
static void next_hash(struct balance_request *request)
{
    char round[16] = "";
    uint32_t crc;

    if (request->round > 0)
        snprintf(round, sizeof round, "%u", request->round);
    crc = crc32_add(crc32_add(0, span_text(round)), request->key);
    request->hash += crc >> 16 & 0x7fff;
    request->round++;
}

static size_t hash_pick(struct peers *peers, const struct balance_query *query)
{
    const struct shares *shares = peers->state;

    while (shares->total > 0 && !balance_takes_turns(query)) {
        size_t index;

        next_hash(query->request);
        index = shares_find(shares, peers->count, query->request->hash % shares->total);
        if (balance_is_usable(peers, index, query))
            return index;
        query->request->misses++;
    }
    return balance_round_robin.pick(peers, query);
}

const struct balance balance_hash = {
    .name = "hash",
    .doc = "Chooses the server by a key: the same one for the same key.",
    .key = BALANCE_KEY_TEXT,
    .state_size = sizeof(struct shares),
    .open = shares_open,
    .pick = hash_pick,
};
