#include "gate/balance/balance.h"

#include "gate/balance/crc32.h"

enum {
    SIZE_SMALL = 65537, /* primes: of places in the table */
    SIZE_LARGE = 655373,
    PEERS_SMALL = 600, /* so that each has a hundred places and more */
};

#define NO_PEER UINT32_MAX

/*
 * Maglev (Eisenbud and others, 2016, section 3.4): each server has an order of its own of all places of a table,
 * and they take turns at taking the next one of it that is free. Shares are even, and a lookup is one step.
 */
struct table {
    uint32_t *places; /* who has it */
    uint32_t size;
    bool is_empty; /* nobody has any */
    struct claim *claims;
};

struct claim {
    uint64_t next, step; /* of its order */
    uint64_t credit;     /* weighted turns: in weights of the heaviest */
};

/* splitmix64's last steps: spreads what a CRC leaves alike. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* Those of one name (addresses of one host) differ by their number among them. */
static void begin_claim(const struct table *table, const struct peers *peers, size_t peer,
                        struct claim *claim)
{
    uint64_t hash = crc32_add(0, peers->all[peer].name), twins = 0;

    for (size_t i = 0; i < peer; i++)
        twins += span_equal(peers->all[i].name, peers->all[peer].name);
    hash = mix(hash << 16 ^ twins);
    claim->next = mix(hash + 1) % table->size;
    claim->step = mix(hash + 2) % (table->size - 1) + 1;
}

static void take_place(struct table *table, struct claim *claim, size_t peer)
{
    while (table->places[claim->next] != NO_PEER)
        claim->next = (claim->next + claim->step) % table->size;
    table->places[claim->next] = (uint32_t)peer;
}

static void fill(struct table *table, const struct peers *peers, struct claim *claims,
                 uint32_t heaviest)
{
    uint32_t taken = 0;

    for (size_t i = 0; i < table->size; i++)
        table->places[i] = NO_PEER;
    while (taken < table->size && heaviest > 0) {
        for (size_t i = 0; i < peers->count && taken < table->size; i++) {
            if (peers->all[i].backup || peers->all[i].absent)
                continue;
            claims[i].credit += peers->all[i].weight;
            if (claims[i].credit < heaviest)
                continue;
            claims[i].credit -= heaviest;
            take_place(table, &claims[i], i);
            taken++;
        }
    }
}

static void table_refresh(struct peers *peers)
{
    struct table *table = peers->state;
    uint32_t heaviest = 0;

    for (size_t i = 0; i < peers->count; i++) {
        const struct peer *peer = &peers->all[i];

        table->claims[i].credit = 0;
        begin_claim(table, peers, i, &table->claims[i]);
        if (!peer->backup && !peer->absent && peer->weight > heaviest)
            heaviest = peer->weight;
    }
    fill(table, peers, table->claims, heaviest);
    table->is_empty = heaviest == 0;
}

static enum rc table_open(struct peers *peers, struct arena *arena, struct fault *why)
{
    struct table *table = peers->state;

    table->size = peers->count > PEERS_SMALL ? SIZE_LARGE : SIZE_SMALL;
    table->places = arena_take_array(arena, table->size, sizeof *table->places);
    table->claims = arena_take_array(arena, peers->count, sizeof *table->claims);
    if (!table->places || !table->claims)
        return fail(why, RC_MEMORY, "no memory for the table of a Maglev hash");
    table_refresh(peers);
    return RC_OK;
}
/* Where the one of a place may not be asked, the key gets another place, the same one each time. */
static size_t table_pick(struct peers *peers, const struct balance_query *query)
{
    const struct table *table = peers->state;
    struct balance_request *request = query->request;

    if (request->round == 0)
        request->hash = crc32_add(0, request->key);
    while (!table->is_empty && !balance_takes_turns(peers, query)) {
        uint64_t place = mix(((uint64_t)request->round++ << 32) + request->hash) % table->size;

        if (balance_has_room(peers, table->places[place], query))
            return table->places[place];
        request->misses++;
    }
    return balance_round_robin.pick(peers, query);
}

const struct balance balance_hash_maglev = {
    .name = "hash maglev",
    .doc = "with maglev likewise, and servers have equal shares of the keys",
    .key = BALANCE_KEY_TEXT,
    .state_size = sizeof(struct table),
    .open = table_open,
    .refresh = table_refresh,
    .pick = table_pick,
};
