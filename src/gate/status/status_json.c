#include <stdio.h>
#include <unistd.h>

#include "codec/json.h"
#include "gate/status/status.h"

static bool put_span(struct json *into, const char *name, struct span text)
{
    char copy[256];

    snprintf(copy, sizeof copy, "%.*s", SPAN_ARG(text));
    return json_put_string(into, name, copy);
}

static const char *const outcomes[BALANCE_OUTCOMES] = {
    [BALANCE_DONE] = "answered",          [BALANCE_ERROR] = "connection",
    [BALANCE_TIMEOUT] = "timeout",        [BALANCE_INVALID] = "invalid_header",
    [BALANCE_UNWANTED] = "next_upstream", [BALANCE_LEFT] = "client_left",
};

static const char *const classes[6] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

static struct json *make_errors(const struct peer_figures *figures)
{
    struct json *json = json_new_object();

    for (size_t i = BALANCE_ERROR; i < BALANCE_OUTCOMES; i++)
        (void)json_put_number(json, outcomes[i], figures->outcomes[i]);
    return json;
}

static struct json *make_responses(const struct peer_figures *figures)
{
    struct json *json = json_new_object();

    for (size_t i = 1; i < 6; i++)
        (void)json_put_number(json, classes[i], figures->statuses[i]);
    return json;
}

static struct json *make_latency(const struct status_peer *s)
{
    struct json *json = json_new_object();

    (void)(json_put_number(json, "p50", s->p50_ms) &&
           json_put_number(json, "p90", s->p90_ms) &&
           json_put_number(json, "p99", s->p99_ms) &&
           json_put_number(json, "mean_header", s->peer.latency.header_us / 1000) &&
           json_put_number(json, "mean_last_byte", s->peer.latency.last_us / 1000));
    return json;
}

static uint64_t ago_ms(const struct status_source *source, uint64_t then_ms)
{
    return source->now_ms > then_ms ? source->now_ms - then_ms : 0;
}

/* What has happened to the server, newest last, by the wall's clock. */
static struct json *make_history(const struct status_source *source,
                                 const struct status_peer *s)
{
    struct json *all = json_new_array();

    for (size_t i = 0; i < s->history.count; i++) {
        const struct peer_change *change = &s->history.all[i];
        struct json *json = json_new_object();

        (void)(json_put_number(json, "time",
                               (uint64_t)source->now - ago_ms(source, change->at_ms) / 1000) &&
               json_put_string(json, "what", ledger_event_name(change->what)) &&
               put_span(json, "why", span_text(change->why)));
        (void)json_put(all, NULL, json);
    }
    return all;
}

static struct json *make_checks(const struct status_source *source, const struct peer *peer)
{
    struct json *json = json_new_object();

    (void)(json_put_number(json, "made", peer->figures.checks) &&
           json_put_number(json, "failed", peer->figures.checks_failed));
    if (peer->probed_ms > 0)
        (void)json_put_number(json, "last_ms_ago", ago_ms(source, peer->probed_ms));
    return json;
}

/* NULL: there is no server in that slot. */
static struct json *make_peer(const struct status_source *source,
                              const struct upstream_settings *upstream, size_t index)
{
    const struct peer_figures *figures;
    struct status_peer s;
    struct json *json;
    time_t since;

    if (!status_peer_read(&s, upstream, index, source->now_ms))
        return NULL;
    json = json_new_object();
    figures = &s.peer.figures;
    since = source->now -
            (time_t)((s.since_ms ? s.since_ms : source->now_ms - source->began_ms) / 1000);
    (void)(put_span(json, "server", s.name) && put_span(json, "name", s.server->server) &&
           json_put_string(json, "state", balance_state_name(s.state)) &&
           json_put_number(json, "since", (uint64_t)since) &&
           json_put_string(json, "why", s.why) &&
           json_put_number(json, "weight", s.peer.weight) &&
           json_put_number(json, "backup", s.peer.backup) &&
           json_put_number(json, "active", s.peer.active) &&
           json_put_number(json, "max_conns", s.peer.max_conns) &&
           json_put_number(json, "requests", figures->requests) &&
           json_put_number(json, "retries", figures->retries) &&
           json_put_number(json, "fails", s.peer.fails) &&
           json_put_number(json, "disabled", figures->disabled) &&
           json_put_number(json, "ejections", s.peer.outlier.ejections) &&
           json_put(json, "responses", make_responses(figures)) &&
           json_put(json, "errors", make_errors(figures)) &&
           json_put(json, "latency_ms", make_latency(&s)) &&
           json_put_number(json, "sent", figures->sent) &&
           json_put_number(json, "received", figures->received) &&
           json_put(json, "history", make_history(source, &s)));
    if (s.peer.chosen_ms > 0)
        (void)json_put_number(json, "chosen_ms_ago", ago_ms(source, s.peer.chosen_ms));
    if (upstream->health)
        (void)(json_put_string(json, "health", s.peer.ill ? "unhealthy" : "healthy") &&
               json_put(json, "checks", make_checks(source, &s.peer)));
    return json;
}

static struct json *make_upstream(const struct status_source *source,
                                  const struct upstream_settings *upstream)
{
    struct json *json = json_new_object(), *all = json_new_array();
    struct peers *peers = upstream->peers;

    (void)(put_span(json, "name", upstream->name) &&
           json_put_string(json, "method", peers->balance->name) &&
           put_span(json, "zone", upstream->zone ? upstream->zone->name : SPAN("")) &&
           json_put_number(json, "active", peers->active) &&
           json_put_number(json, "waiting", peers->waiting_count) &&
           json_put_number(json, "overflowed", peers->overflowed) &&
           json_put_number(json, "retries_refused", peers->budget.refused));
    for (size_t i = 0; i < upstream->count; i++) {
        struct json *peer = make_peer(source, upstream, i);

        if (peer)
            (void)json_put(all, NULL, peer);
    }
    (void)json_put(json, "servers", all);
    return json;
}

static struct json *make_zone(const struct zone_line *line)
{
    struct json *json = json_new_object();

    (void)(put_span(json, "name", line->name) &&
           json_put_string(json, "kind",
                           line->kind == ZONE_LIMIT_REQ    ? "limit_req"
                           : line->kind == ZONE_LIMIT_CONN ? "limit_conn"
                                                           : "sticky") &&
           json_put_number(json, "used", zone_count(line->zone)) &&
           json_put_number(json, "capacity", zone_capacity(line->zone)));
    return json;
}

bool status_write_json(const struct status_source *source, struct text *out)
{
    struct json *json = json_new_object(), *connections = json_new_object();
    struct json *upstreams = json_new_array(), *zones = json_new_array();

    for (size_t i = 0; i < source->upstreams.count; i++)
        (void)json_put(upstreams, NULL, make_upstream(source, source->upstreams.all[i]));
    for (size_t i = 0; i < source->zones->count; i++)
        if (source->zones->all[i]->zone)
            (void)json_put(zones, NULL, make_zone(source->zones->all[i]));
    (void)(json_put_number(connections, "accepted", source->connections_accepted) &&
           json_put_number(connections, "active", source->connections_active));
    (void)(json_put_string(json, "version", KEEPGATE_VERSION) &&
           json_put_number(json, "pid", (uint64_t)getpid()) &&
           json_put_number(json, "loops", source->loops) &&
           json_put_number(json, "time", (uint64_t)source->now) &&
           json_put_number(json, "uptime", (source->now_ms - source->began_ms) / 1000));
    (void)(json_put(json, "connections", connections) &&
           json_put(json, "upstreams", upstreams) && json_put(json, "zones", zones));
    json_write(json, out);
    json_close(json);
    text_add_char(out, '\n');
    return text_ok(out);
}
