/*
 * How many requests a second a key may have: a leaky bucket for each, in thousandths of a request, as nginx
 * counts them.
 */
#ifndef GATE_LIMIT_LIMIT_REQ_H
#define GATE_LIMIT_LIMIT_REQ_H

#include "gate/zone/zone.h"

/* One "limit_req": its zone, and what may be above its rate. */
struct limit_req {
    struct zone *zone;
    uint64_t rate;  /* thousandths of a request a second */
    uint64_t burst; /* thousandths: beyond it requests are refused */
    uint64_t delay; /* thousandths: beyond it they are delayed; UINT64_MAX: never */
};

/* One of a request's keys, while several limits are asked. */
struct limit_req_turn {
    const struct limit_req *limit;
    struct span key;   /* shortened: limit_key */
    uint64_t excess;   /* out: thousandths above the rate, this request included */
    uint64_t delay_ms; /* out */
};

/*
 * RC_OK     all let it pass, and have counted it; each turn says how long it is to wait
 * RC_LIMIT  *at of them refuses, and none has counted it
 * RC_MEMORY *at of them has no room for one more key
 */
enum rc limit_req_ask(struct limit_req_turn *turns, size_t count, uint64_t now_ms, size_t *at);

#endif
