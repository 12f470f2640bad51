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

/* What the last failed health check has said. */
static const char *illness(const struct peer_history *history)
{
    for (size_t i = history->count; i > 0; i--)
        if (history->all[i - 1].what == PEER_BECAME_ILL)
            return history->all[i - 1].why;
    return "it has not passed yet";
}

/* What the method has looked at. */
static void explain_choice(struct status_peer *s, const char *method, uint64_t now_ms)
{
    const struct peer *peer = &s->peer;
    uint64_t ago = now_ms > peer->chosen_ms ? now_ms - peer->chosen_ms : 0;
    char when[48] = "has not chosen it in this worker";

    if (peer->chosen_ms > 0)
        snprintf(when, sizeof when, "chose it %llu ms ago", (unsigned long long)ago);
    snprintf(s->why, sizeof s->why, "%s%s %s: weight %u, %u in work, mean %.1f ms to a head",
             peer->backup ? "a backup, for when no other may be asked; " : "", method, when,
             peer->weight, peer->active, (double)peer->latency.header_us / 1000);
}

static void explain(struct status_peer *s, const char *method, uint64_t now_ms)
{
    const struct peer *peer = &s->peer;
    const size_t size = sizeof s->why;

    switch (s->state) {
    case PEER_UP:
        explain_choice(s, method, now_ms);
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
        snprintf(s->why, size, "its health check fails: %s", illness(&s->history));
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

bool status_peer_is_shown(const struct upstream_settings *upstream, size_t index)
{
    const struct peer *all = upstream->peers->all;

    if (!all[index].absent)
        return true;
    for (size_t l = 0; l < upstream->lookups_count; l++) {
        const struct server_lookup *lookup = &upstream->lookups[l];

        if (index - lookup->first >= lookup->count)
            continue;
        for (size_t i = lookup->first; i < lookup->first + lookup->count; i++)
            if (!all[i].absent)
                return false;
        return index == lookup->first;
    }
    return true;
}

bool status_peer_read(struct status_peer *status, const struct upstream_settings *upstream,
                      size_t index, uint64_t now_ms)
{
    struct peers *peers = upstream->peers;
    uint64_t began;
    bool shown;

    *status = (struct status_peer){.server = &upstream->addresses[index]};
    pthread_mutex_lock(&peers->lock);
    shown = status_peer_is_shown(upstream, index);
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
    explain(status, peers->balance->name, now_ms);
    return shown;
}
