#include "gate/balance/pace.h"

enum {
    SHARE = 8,                          /* of the mean that one answer changes: an eighth */
    HALF_LIFE_MS = 5000,                /* of a peak */
    UNKNOWN_US = 10 * 60 * 1000 * 1000, /* of one that is being asked for the first time */
};

/* The peak falls by half each HALF_LIFE_MS; linear in between. */
static uint64_t fall(uint64_t us, uint64_t ms)
{
    uint64_t halves = ms / HALF_LIFE_MS;

    if (halves >= 40)
        return 0;
    us >>= halves;
    return us - us * (ms % HALF_LIFE_MS) / (2 * (uint64_t)HALF_LIFE_MS);
}

static uint64_t since(uint64_t then_ms, uint64_t now_ms)
{
    return now_ms > then_ms ? now_ms - then_ms : 0;
}

static uint64_t peak_now(const struct latency *latency, uint64_t now_ms)
{
    return fall(latency->peak_us, since(latency->peak_ms, now_ms));
}

/* The mean time that those in flight have waited. */
static uint64_t waited_us(const struct peer *peer, uint64_t now_ms)
{
    return peer->active ? since(peer->started_ms / peer->active, now_ms) * 1000 : 0;
}

double pace_score(const struct peer *peer, enum pace pace, uint64_t now_ms)
{
    unsigned what = pace & ~(unsigned)PACE_INFLIGHT;
    uint64_t us = what == PACE_HEADER      ? peer->latency.header_us
                  : what == PACE_LAST_BYTE ? peer->latency.last_us
                                           : peak_now(&peer->latency, now_ms);

    if (peer->latency.header_us == 0 && peer->active > 0)
        us = UNKNOWN_US;
    if ((pace & PACE_INFLIGHT) && waited_us(peer, now_ms) > us)
        us = waited_us(peer, now_ms);
    return (double)(us + 1) * (peer->active + 1) / (double)balance_weight(peer, now_ms);
}

/* Answers within the same millisecond are as fast as each other. */
static void move(uint64_t *mean_us, uint64_t ms)
{
    uint64_t us = ms ? ms * 1000 : 500;

    if (*mean_us == 0)
        *mean_us = us;
    else
        *mean_us = (*mean_us * (SHARE - 1) + us) / SHARE;
}

void pace_add(struct latency *latency, uint64_t header_ms, uint64_t last_ms, uint64_t now_ms)
{
    uint64_t us = header_ms ? header_ms * 1000 : 500, peak = peak_now(latency, now_ms);

    move(&latency->header_us, header_ms);
    move(&latency->last_us, last_ms);
    latency->peak_us = us > peak ? us : peak;
    latency->peak_ms = now_ms;
}
