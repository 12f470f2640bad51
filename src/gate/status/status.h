/* How the upstreams and zones of this worker do: as JSON, and as Prometheus's text format 0.0.4. */
#ifndef GATE_STATUS_STATUS_H
#define GATE_STATUS_STATUS_H

#include <time.h>

#include "base/text.h"
#include "gate/balance/ledger.h"
#include "gate/upstream/proxy_settings.h"
#include "gate/zone/zones.h"

struct status_source {
    struct upstreams upstreams;
    const struct zones *zones;
    uint64_t now_ms, began_ms; /* clock_ms() */
    time_t now;                /* the wall's */
    uint64_t connections_accepted, connections_active;
    unsigned loops;
};

/* False when there is no memory. */
bool status_write_json(const struct status_source *source, struct text *out);
bool status_write_prometheus(const struct status_source *source, struct text *out);

/* One server, as both tell of it. */
struct status_peer {
    const struct server_address *server;
    struct span name; /* its address, or what it is called while it has none */
    struct peer peer; /* a copy, with the figures of all workers */
    struct peer_history history;
    enum peer_state state;
    uint64_t since_ms;               /* how long it is in that state; 0: since the beginning */
    uint64_t p50_ms, p90_ms, p99_ms; /* to the head of an answer: upper bounds */
    unsigned nth;  /* of those with that name in the group, where they are numbered */
    char why[200]; /* why it gets requests, fewer, or none */
};

/* Slots that have no address are nothing to look at, but for one of a name that has none at all. */
bool status_peer_is_shown(const struct upstream_settings *upstream, size_t index);

/* False: it is not shown. */
bool status_peer_read(struct status_peer *status, const struct upstream_settings *upstream,
                      size_t index, uint64_t now_ms);

#endif
