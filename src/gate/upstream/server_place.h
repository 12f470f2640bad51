/*
 * The addresses of servers that are found by name while gate runs. Such a line of the configuration has slots,
 * each a peer of its own: a slot has an address, or none now. What was found once keeps its place in memory, so that
 * a request may look at it without a lock.
 */
#ifndef GATE_UPSTREAM_SERVER_PLACE_H
#define GATE_UPSTREAM_SERVER_PLACE_H

#include "gate/upstream/proxy_settings.h"

struct server_place {
    struct server_place *before; /* of the same upstream */
    struct address address;
    struct span name, route;
    char name_text[ADDRESS_TEXT], route_text[33];
};

static inline const struct server_place *server_place(const struct server_address *s)
{
    return atomic_load_explicit(&s->place, memory_order_acquire);
}

/* Where it is now; len 0: nowhere. */
static inline const struct address *server_place_address(const struct server_address *s)
{
    const struct server_place *place = server_place(s);

    return place ? &place->address : &s->address;
}

static inline struct span server_place_name(const struct server_address *s)
{
    const struct server_place *place = server_place(s);

    return place ? place->name : s->name;
}

static inline struct span server_place_route(const struct server_address *s)
{
    const struct server_place *place = server_place(s);

    return place && s->route.len == 0 ? place->route : s->route;
}

/* An address that was found, and what its record says of it. */
struct server_found {
    struct address address;
    uint32_t weight; /* 0: as the line says */
    bool backup;     /* beside what the line says */
};

/*
 * The addresses of a line are these from now on; from one thread alone. Those that stay keep their slots and all
 * that is known of them. Returns whether anything has changed.
 */
bool server_place_update(struct upstream_settings *upstream,
                         const struct server_lookup *lookup, const struct server_found *found,
                         size_t count, uint64_t now_ms);

/* The addresses that the worker before had for that line, until its name is found anew. False: there are none. */
bool server_place_remember(struct upstream_settings *upstream,
                           const struct server_lookup *lookup, uint64_t now_ms);

/* By which workers know a server: its address, and its line or its number among those with the same. */
void server_place_key(struct span address, struct span line, size_t number, uint8_t key[]);

/* Of an upstream that nobody uses any more. */
void server_place_close(struct upstream_settings *upstream);

#endif
