#include "gate/limit/limit_req.h"

enum { ONE = 1000, BACKWARDS_MS = 60000 };

/* What is above the rate when one more comes. In an entry: number, the excess; used_ms, when it was last. */
static uint64_t excess_of(const struct zone_entry *entry, const struct limit_req *limit,
                          uint64_t now_ms)
{
    int64_t since = (int64_t)(now_ms - entry->used_ms), excess;

    if (since < 0)
        since = since < -BACKWARDS_MS ? 1 : 0;
    if ((uint64_t)since > UINT64_C(1) << 40)
        return 0;
    excess = (int64_t)entry->number - (int64_t)(limit->rate * (uint64_t)since / 1000) + ONE;
    return excess > 0 ? (uint64_t)excess : 0;
}

static uint64_t delay_of(const struct limit_req *limit, uint64_t excess)
{
    return excess <= limit->delay ? 0 : (excess - limit->delay) * 1000 / limit->rate;
}

/* Asks without counting. */
static enum rc look(struct limit_req_turn *turn, uint64_t now_ms)
{
    const struct limit_req *limit = turn->limit;
    const struct zone_entry *entry;

    zone_lock(limit->zone);
    entry = zone_find(limit->zone, turn->key);
    turn->excess = entry ? excess_of(entry, limit, now_ms) : 0;
    zone_unlock(limit->zone);
    return turn->excess > limit->burst ? RC_LIMIT : RC_OK;
}

static enum rc count(struct limit_req_turn *turn, uint64_t now_ms, bool last)
{
    const struct limit_req *limit = turn->limit;
    struct zone_entry *entry;
    enum rc rc = RC_OK;

    zone_lock(limit->zone);
    entry = zone_find(limit->zone, turn->key);
    if (entry) {
        turn->excess = excess_of(entry, limit, now_ms);
        if (last && turn->excess > limit->burst)
            rc = RC_LIMIT;
    } else if (!(entry = zone_add(limit->zone, turn->key))) {
        rc = RC_MEMORY;
    } else {
        turn->excess = 0;
    }
    if (rc == RC_OK) {
        entry->number = turn->excess;
        entry->used_ms = now_ms;
        turn->delay_ms = delay_of(limit, turn->excess);
    }
    zone_unlock(limit->zone);
    return rc;
}

/* Whoever is last is asked and counted at once: with one limit no other loop comes in between. */
enum rc limit_req_ask(struct limit_req_turn *turns, size_t count_of, uint64_t now_ms,
                      size_t *at)
{
    enum rc rc = RC_OK;

    for (*at = 0; *at + 1 < count_of; ++*at)
        if ((rc = look(&turns[*at], now_ms)) != RC_OK)
            return rc;
    for (size_t i = count_of; i-- > 0;) {
        *at = i;
        if ((rc = count(&turns[i], now_ms, i + 1 == count_of)) != RC_OK)
            return rc;
    }
    return RC_OK;
}
