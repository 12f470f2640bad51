/*
 * How many of the requests to a group may be tries of those that failed elsewhere: a part of the
 * requests, and a few a second besides, so that a group in trouble is not drowned by its own retries.
 */
#ifndef GATE_BALANCE_RETRY_BUDGET_H
#define GATE_BALANCE_RETRY_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct retry_budget {
    /* As the configuration says. */
    uint32_t percent; /* of requests; 0, and floor 0: no limit */
    uint32_t floor;   /* a second, however few requests there are */

    /* In thousandths of a retry. {0} before the first use. */
    uint64_t earned, given;
    uint64_t given_ms; /* when `given` was last filled up */
    uint64_t refused;  /* how many were not allowed */
};

/* A request that was not tried before. */
void retry_budget_earn(struct retry_budget *budget);

/* True: one more try may be made, and is counted. */
bool retry_budget_take(struct retry_budget *budget, uint64_t now_ms);

#endif
