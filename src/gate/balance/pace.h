/* How fast a server is: what the methods that go by time compare. */
#ifndef GATE_BALANCE_PACE_H
#define GATE_BALANCE_PACE_H

#include "gate/balance/balance.h"

enum pace {
    PACE_HEADER = 0, /* the mean time to the head of an answer */
    PACE_LAST_BYTE = 1,
    PACE_PEAK = 2,
    PACE_INFLIGHT = 4, /* added to one of them: those in flight count by how long they wait */
};

/*
 * Time times load for its weight: the lower the better. One that was never measured has no time of its own: the
 * first request finds it out, and until that is answered it counts as slow.
 */
double pace_score(const struct peer *peer, enum pace pace, uint64_t now_ms);

/* An answer's times; 0 for one that did not come. */
void pace_add(struct latency *latency, uint64_t header_ms, uint64_t last_ms, uint64_t now_ms);

#endif
