/* A line on which each server that is no backup has as much room as its weight says. */
#ifndef GATE_BALANCE_SHARES_H
#define GATE_BALANCE_SHARES_H

#include "gate/balance/balance.h"

struct shares {
    uint64_t *ends; /* by peer: where its room ends and the next one's begins */
    uint64_t total; /* 0: all are backups */
};

/* The way to begin for the balancers whose state begins with a struct shares. RC_MEMORY. */
enum rc shares_open(struct peers *peers, struct arena *arena, struct fault *why);

/* The same again, for whoever is there now. */
void shares_refresh(struct peers *peers);

/* The peer that has the place; place < total. */
size_t shares_find(const struct shares *shares, size_t count, uint64_t place);

/*
 * For pick(): the place of a number, again and again until the peer there may be asked; after
 * too many misses servers take turns. `next` gives the numbers, which are taken modulo total.
 */
size_t shares_pick(struct peers *peers, const struct balance_query *query,
                   uint64_t (*next)(struct peers *peers, struct balance_request *request));

#endif
