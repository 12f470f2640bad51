#include <stdio.h>

#include "gate/status/status.h"
#include "gate/upstream/server_place.h"

enum what {
    REQUESTS,
    RETRIES,
    ACTIVE,
    USABLE,
    SINCE,
    DISABLED,
    CHECKS,
    CHECKS_FAILED,
    SENT,
    RECEIVED,
};

static const struct {
    const char *name, *type, *help;
    enum what what;
} rows[] = {
    {"gate_upstream_server_requests_total", "counter",
     "Requests that were given to the server.", REQUESTS},
    {"gate_upstream_server_retries_total", "counter",
     "Those of them that had failed at another one before.", RETRIES},
    {"gate_upstream_server_active", "gauge", "Requests in work at the server.", ACTIVE},
    {"gate_upstream_server_up", "gauge", "1 where it may get requests.", USABLE},
    {"gate_upstream_server_disabled_total", "counter", "How often failures have disabled it.",
     DISABLED},
    {"gate_upstream_server_state_seconds", "gauge", "How long it has been in its state.",
     SINCE},
    {"gate_upstream_server_checks_total", "counter", "Health checks.", CHECKS},
    {"gate_upstream_server_checks_failed_total", "counter", "Those that have failed.",
     CHECKS_FAILED},
    {"gate_upstream_server_sent_bytes_total", "counter", "Bytes sent to it.", SENT},
    {"gate_upstream_server_received_bytes_total", "counter", "Bytes received from it.",
     RECEIVED},
};

static uint64_t value_of(const struct status_peer *s, enum what what)
{
    switch (what) {
    case REQUESTS:
        return s->peer.figures.requests;
    case RETRIES:
        return s->peer.figures.retries;
    case ACTIVE:
        return s->peer.active;
    case USABLE:
        return s->state == PEER_UP || s->state == PEER_STARTING;
    case SINCE:
        return s->since_ms / 1000;
    case DISABLED:
        return s->peer.figures.disabled;
    case CHECKS:
        return s->peer.figures.checks;
    case CHECKS_FAILED:
        return s->peer.figures.checks_failed;
    case SENT:
        return s->peer.figures.sent;
    case RECEIVED:
        return s->peer.figures.received;
    }
    return 0;
}

/* A label's value: quotes, backslashes and line ends are escaped. */
static void add_escaped(struct text *out, struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '"' || value.at[i] == '\\')
            text_add_char(out, '\\');
        text_add_char(out, value.at[i] == '\n' ? ' ' : (char)value.at[i]);
    }
}

static void add_labels(struct text *out, const struct upstream_settings *upstream,
                       const struct status_peer *s, const char *name, const char *value)
{
    text_printf(out, "{upstream=\"");
    add_escaped(out, upstream->name);
    text_printf(out, "\",server=\"");
    add_escaped(out, s->name);
    text_printf(out, "\"");
    if (s->nth > 1)
        text_printf(out, ",nth=\"%u\"", s->nth);
    if (name)
        text_printf(out, ",%s=\"%s\"", name, value);
    text_printf(out, "}");
}

static void begin_metric(struct text *out, const char *name, const char *type,
                         const char *help)
{
    text_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A server may stand in its group twice: each line of the text must be another one's. */
static unsigned nth_of_name(const struct upstream_settings *upstream, size_t index)
{
    struct span name = server_place_name(&upstream->addresses[index]);
    unsigned nth = 1;

    for (size_t i = 0; i < index; i++)
        nth += status_peer_is_shown(upstream, i) &&
               span_equal(server_place_name(&upstream->addresses[i]), name);
    return nth;
}

typedef void add_peer(struct text *out, const struct upstream_settings *upstream,
                      const struct status_peer *s, size_t row);

static void for_each_peer(const struct status_source *source, struct text *out, size_t row,
                          add_peer *add)
{
    for (size_t u = 0; u < source->upstreams.count; u++) {
        const struct upstream_settings *upstream = source->upstreams.all[u];

        for (size_t i = 0; i < upstream->count; i++) {
            struct status_peer s;

            if (!status_peer_read(&s, upstream, i, source->now_ms))
                continue;
            s.nth = nth_of_name(upstream, i);
            add(out, upstream, &s, row);
        }
    }
}

static void add_value(struct text *out, const struct upstream_settings *upstream,
                      const struct status_peer *s, size_t row)
{
    text_printf(out, "%s", rows[row].name);
    add_labels(out, upstream, s, NULL, NULL);
    text_printf(out, " %llu\n", (unsigned long long)value_of(s, rows[row].what));
}

static void add_state(struct text *out, const struct upstream_settings *upstream,
                      const struct status_peer *s, size_t row)
{
    (void)row;
    text_printf(out, "gate_upstream_server_state");
    add_labels(out, upstream, s, "state", balance_state_name(s->state));
    text_printf(out, " 1\n");
}

static void add_responses(struct text *out, const struct upstream_settings *upstream,
                          const struct status_peer *s, size_t row)
{
    static const char *const classes[6] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

    (void)row;
    for (size_t i = 1; i < 6; i++) {
        text_printf(out, "gate_upstream_server_responses_total");
        add_labels(out, upstream, s, "code", classes[i]);
        text_printf(out, " %llu\n", (unsigned long long)s->peer.figures.statuses[i]);
    }
}

static void add_errors(struct text *out, const struct upstream_settings *upstream,
                       const struct status_peer *s, size_t row)
{
    static const char *const kinds[BALANCE_OUTCOMES] = {
        "", "connection", "timeout", "invalid_header", "next_upstream", "client_left"};

    (void)row;
    for (size_t i = BALANCE_ERROR; i < BALANCE_OUTCOMES; i++) {
        text_printf(out, "gate_upstream_server_errors_total");
        add_labels(out, upstream, s, "kind", kinds[i]);
        text_printf(out, " %llu\n", (unsigned long long)s->peer.figures.outcomes[i]);
    }
}

/* A histogram: each bucket counts what the ones before it do too. */
static void add_latency(struct text *out, const struct upstream_settings *upstream,
                        const struct status_peer *s, size_t row)
{
    uint64_t seen = 0;
    char bound[32];

    (void)row;
    for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
        seen += s->peer.figures.header_ms[i];
        snprintf(bound, sizeof bound, "%.3f", (double)(UINT64_C(1) << i) / 1000);
        text_printf(out, "gate_upstream_server_header_seconds_bucket");
        add_labels(out, upstream, s, "le", i + 1 == LATENCY_BUCKETS ? "+Inf" : bound);
        text_printf(out, " %llu\n", (unsigned long long)seen);
    }
    text_printf(out, "gate_upstream_server_header_seconds_count");
    add_labels(out, upstream, s, NULL, NULL);
    text_printf(out, " %llu\n", (unsigned long long)seen);
    text_printf(out, "gate_upstream_server_header_seconds_sum");
    add_labels(out, upstream, s, NULL, NULL);
    text_printf(out, " %.3f\n", (double)s->peer.figures.header_sum_ms / 1000);
}

bool status_write_prometheus(const struct status_source *source, struct text *out)
{
    begin_metric(out, "gate_connections_accepted_total", "counter", "Connections of clients.");
    text_printf(out, "gate_connections_accepted_total %llu\n",
                (unsigned long long)source->connections_accepted);
    begin_metric(out, "gate_connections_active", "gauge", "Those that are open.");
    text_printf(out, "gate_connections_active %llu\n",
                (unsigned long long)source->connections_active);
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        begin_metric(out, rows[row].name, rows[row].type, rows[row].help);
        for_each_peer(source, out, row, add_value);
    }
    begin_metric(out, "gate_upstream_server_state", "gauge", "The state that it is in.");
    for_each_peer(source, out, 0, add_state);
    begin_metric(out, "gate_upstream_server_responses_total", "counter",
                 "Answers, by status.");
    for_each_peer(source, out, 0, add_responses);
    begin_metric(out, "gate_upstream_server_errors_total", "counter",
                 "Requests that did not end with an answer, by what happened.");
    for_each_peer(source, out, 0, add_errors);
    begin_metric(out, "gate_upstream_server_header_seconds", "histogram",
                 "Time from the choice of the server to the head of its answer.");
    for_each_peer(source, out, 0, add_latency);
    return text_ok(out);
}
