#include <stdio.h>

#include "gate/status/status.h"
#include "gate/upstream/server_place.h"

/* The bound that this part of the answers, in thousandths, is within; 0: none came. */
static uint64_t quantile(const struct peer_figures *figures, uint64_t thousandths)
{
    uint64_t all = 0, seen = 0;

    for (size_t i = 0; i < LATENCY_BUCKETS; i++)
        all += figures->header_ms[i];
    for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
        seen += figures->header_ms[i];
        if (all > 0 && seen * 1000 >= all * thousandths)
            return UINT64_C(1) << i;
    }
    return 0;
}

static uint64_t began_ms(const struct peer *peer, enum peer_state state)
{
    switch (state) {
    case PEER_RESTING:
        return peer->accessed_ms;
    case PEER_STARTING:
        return peer->recovered_ms;
    case PEER_EJECTED:
        return peer->outlier.ejected_ms;
    case PEER_UP:
        return peer->changed_ms > peer->recovered_ms ? peer->changed_ms : peer->recovered_ms;
    default:
        return peer->changed_ms;
    }
}

static void explain(struct status_peer *s, uint64_t now_ms)
{
    const struct peer *peer = &s->peer;
    const size_t size = sizeof s->why;

    switch (s->state) {
    case PEER_UP:
        if (peer->backup)
            snprintf(s->why, size, "it is a backup: asked when no other may be");
        break;
    case PEER_STARTING:
        snprintf(
            s->why, size, "slow start: %llu%% of its weight",
            (unsigned long long)(balance_weight(peer, now_ms) * 100 / 256 / peer->weight));
        break;
    case PEER_FULL:
        snprintf(s->why, size, "max_conns=%u requests are in work", peer->max_conns);
        break;
    case PEER_RESTING:
        snprintf(s->why, size, "%u failures of max_fails=%u: it rests for fail_timeout",
                 peer->fails, peer->max_fails);
        break;
    case PEER_EJECTED:
        snprintf(s->why, size, "%s: left alone for %llu ms more",
                 outlier_why_name(peer->outlier.why),
                 (unsigned long long)(peer->outlier.until_ms - now_ms));
        break;
    case PEER_ILL:
        snprintf(s->why, size, "its health check has not passed");
        break;
    case PEER_DRAINING:
        snprintf(s->why, size, "it drains: only sessions that stick to it are served");
        break;
    case PEER_DOWN:
        snprintf(s->why, size,
                 peer->absent ? "its name has no address (yet)" : "the configuration says so");
        break;
    case PEER_STATES:
        break;
    }
}

void status_peer_read(struct status_peer *status, const struct upstream_settings *upstream,
                      size_t index, uint64_t now_ms)
{
    struct peers *peers = upstream->peers;
    uint64_t began;

    *status = (struct status_peer){.server = &upstream->addresses[index]};
    pthread_mutex_lock(&peers->lock);
    ledger_look(peers);
    status->peer = peers->all[index];
    ledger_read(peers, &peers->all[index], &status->peer.figures, &status->history);
    pthread_mutex_unlock(&peers->lock);
    status->name = server_place_name(status->server);
    status->state = balance_state(&status->peer, now_ms);
    began = began_ms(&status->peer, status->state);
    status->since_ms = began > 0 && now_ms > began ? now_ms - began : 0;
    status->p50_ms = quantile(&status->peer.figures, 500);
    status->p90_ms = quantile(&status->peer.figures, 900);
    status->p99_ms = quantile(&status->peer.figures, 990);
    explain(status, now_ms);
}
