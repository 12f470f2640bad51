#include <stdio.h>

#include "gate/balance/crc32.h"
#include "gate/balance/shares.h"

/* As Cache::Memcached and nginx have it: each round adds ((crc32([ROUND] KEY) >> 16) & 0x7fff).
 */
static uint64_t next_hash(struct peers *peers, struct balance_request *request)
{
    char round[16] = "";
    uint32_t crc;

    (void)peers;
    if (request->round > 0)
        snprintf(round, sizeof round, "%u", request->round);
    crc = crc32_add(crc32_add(0, span_text(round)), request->key);
    request->hash += crc >> 16 & 0x7fff;
    request->round++;
    return request->hash;
}

static size_t hash_pick(struct peers *peers, const struct balance_query *query)
{
    return shares_pick(peers, query, next_hash);
}

const struct balance balance_hash = {
    .name = "hash",
    .doc = "Chooses the server by a key: the same one for the same key.",
    .key = BALANCE_KEY_TEXT,
    .state_size = sizeof(struct shares),
    .open = shares_open,
    .refresh = shares_refresh,
    .pick = hash_pick,
};
