#include "gate/balance/shares.h"

enum { START = 89, FACTOR = 113, MODULUS = 6271 }; /* nginx's */

static uint64_t next_hash(struct peers *peers, struct balance_request *request)
{
    uint32_t hash = request->round++ == 0 ? START : request->hash;

    (void)peers;
    for (size_t i = 0; i < request->key.len; i++)
        hash = (hash * FACTOR + request->key.at[i]) % MODULUS;
    return request->hash = hash;
}

static size_t ip_hash_pick(struct peers *peers, const struct balance_query *query)
{
    return shares_pick(peers, query, next_hash);
}

const struct balance balance_ip_hash = {
    .name = "ip_hash",
    .doc = "Chooses the server by the client's address: the first three octets of IPv4, the "
           "whole of IPv6.",
    .key = BALANCE_KEY_ADDRESS,
    .state_size = sizeof(struct shares),
    .open = shares_open,
    .refresh = shares_refresh,
    .pick = ip_hash_pick,
};
