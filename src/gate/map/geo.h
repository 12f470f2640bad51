/* From an address to a value: networks, of which the longest prefix wins, or ranges, of which the last one does. */
#ifndef GATE_MAP_GEO_H
#define GATE_MAP_GEO_H

#include "base/arena.h"
#include "gate/access/cidr.h"

/* All addresses from the first to the last one, which are of one family. */
struct geo_entry {
    struct cidr_address first, last;
    uint8_t prefix; /* of a network */
    size_t order;   /* geo_build counts them: of two that are the same the later one holds */
    struct span value;
};

/* The addresses from here up to the next row's. */
struct geo_row {
    struct cidr_address first;
    const struct geo_entry *entry; /* NULL: nobody says anything of them */
};

struct geo {
    struct geo_row *rows; /* in order: IPv4 in front of IPv6 */
    size_t count;
    bool ranges;       /* they are ranges, of IPv4 alone */
    struct span other; /* where no entry fits */
};

/* A network as an entry; the value is the caller's. */
struct geo_entry geo_entry_of(const struct cidr *network);

/* "192.0.2.1-192.0.2.9", both of them IPv4 and in this order. RC_FORMAT */
enum rc geo_parse_range(struct span text, struct geo_entry *entry);

/* Fills the rows. The entries, which it sorts, must outlive the table. RC_MEMORY */
enum rc geo_build(struct geo *geo, struct geo_entry *entries, size_t count,
                  struct arena *arena);

/* The value for an address; one of neither family counts as 255.255.255.255, as nginx has it. */
struct span geo_find(const struct geo *geo, const struct cidr_address *address);

#endif
