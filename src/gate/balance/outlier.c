#include "gate/balance/outlier.h"

#include "gate/balance/ledger.h"

enum { REQUESTS_MIN = 10, EJECTIONS_MAX = 10 };

const char *outlier_why_name(enum outlier_why why)
{
    static const char *const names[OUTLIER_WHYS] = {
        [OUTLIER_ERRORS] = "errors in a row",
        [OUTLIER_RATE] = "success rate",
        [OUTLIER_LATENCY] = "latency",
    };

    return why < OUTLIER_WHYS ? names[why] : "";
}

/* May one more be left alone? */
static bool has_leave(const struct peers *peers, uint64_t now_ms)
{
    size_t count = 0, gone = 1;

    for (size_t i = 0; i < peers->count; i++) {
        const struct peer *peer = &peers->all[i];

        if (peer->down || peer->absent || peer->drain || peer->backup)
            continue;
        count++;
        gone += peer->ill || outlier_is_ejected(&peer->outlier, now_ms);
    }
    return gone < count + (count == 0) &&
           gone * 100 <= count * (uint64_t)peers->outliers.max_percent;
}

static bool eject(struct peers *peers, struct peer *peer, enum outlier_why why,
                  uint64_t now_ms)
{
    struct outlier *o = &peer->outlier;

    if (outlier_is_ejected(o, now_ms) || !has_leave(peers, now_ms))
        return false;
    if (o->ejections < EJECTIONS_MAX)
        o->ejections++;
    o->ejected_ms = now_ms;
    o->until_ms = now_ms + peers->outliers.time_ms * o->ejections;
    o->errors = 0;
    o->why = why;
    if (peer->slow_start_ms > 0)
        peer->recovered_ms = o->until_ms;
    ledger_note(peers, peer, PEER_WAS_EJECTED, now_ms, "%s: left alone for %llu ms",
                outlier_why_name(why), (unsigned long long)(o->until_ms - now_ms));
    return true;
}

/* The mean time of all others that have been asked enough; 0: there are none. */
static uint64_t mean_of_others(const struct peers *peers, const struct peer *but)
{
    uint64_t ms = 0, requests = 0;

    for (size_t i = 0; i < peers->count; i++) {
        const struct outlier *o = &peers->all[i].outlier;

        if (&peers->all[i] == but || o->succeeded < REQUESTS_MIN)
            continue;
        ms += o->header_ms;
        requests += o->succeeded;
    }
    return requests ? ms / requests + 1 : 0;
}

static void judge(struct peers *peers, struct peer *peer, uint64_t now_ms)
{
    const struct outlier_settings *s = &peers->outliers;
    const struct outlier *o = &peer->outlier;
    uint64_t mean = mean_of_others(peers, peer);

    if (o->requests < REQUESTS_MIN)
        return;
    if (s->success_percent > 0 && o->succeeded * 100 < o->requests * s->success_percent)
        (void)eject(peers, peer, OUTLIER_RATE, now_ms);
    else if (s->latency_percent > 0 && mean > 0 && o->succeeded > 0 &&
             o->header_ms / o->succeeded * 100 > mean * s->latency_percent)
        (void)eject(peers, peer, OUTLIER_LATENCY, now_ms);
    else if (o->ejections > 0 && !outlier_is_ejected(o, now_ms))
        peer->outlier.ejections--;
}

static void end_interval(struct peers *peers, uint64_t now_ms)
{
    for (size_t i = 0; i < peers->count; i++)
        judge(peers, &peers->all[i], now_ms);
    for (size_t i = 0; i < peers->count; i++) {
        struct outlier *o = &peers->all[i].outlier;

        o->requests = o->succeeded = o->header_ms = 0;
    }
    peers->interval_ms = now_ms;
}

bool outlier_count(struct peers *peers, size_t index, bool succeeded, uint64_t header_ms,
                   uint64_t now_ms)
{
    const struct outlier_settings *s = &peers->outliers;
    struct peer *peer = &peers->all[index];
    struct outlier *o = &peer->outlier;
    bool was = outlier_is_ejected(o, now_ms);

    if (s->max_percent == 0)
        return false;
    o->requests++;
    o->succeeded += succeeded;
    o->header_ms += succeeded ? header_ms : 0;
    o->errors = succeeded ? 0 : o->errors + 1;
    if (s->consecutive > 0 && o->errors >= s->consecutive)
        (void)eject(peers, peer, OUTLIER_ERRORS, now_ms);
    if (peers->interval_ms == 0)
        peers->interval_ms = now_ms;
    else if (now_ms > peers->interval_ms && now_ms - peers->interval_ms >= s->interval_ms)
        end_interval(peers, now_ms);
    return !was && outlier_is_ejected(o, now_ms);
}
