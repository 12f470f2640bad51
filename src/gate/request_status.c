/* "status;": how the upstreams do. */
#include "base/clock.h"
#include "base/scoped.h"
#include "gate/request.h"
#include "gate/status/status.h"

/* Prometheus asks for its own formats in front of all others. */
static bool wants_prometheus(const struct request *r)
{
    const struct head *head = &r->head.head;

    if (r->args.len > 0)
        return span_equal(r->args, SPAN("format=prometheus"));
    for (uint32_t i = 0; i < head->count; i++) {
        struct span value = field_value(head, &head->fields[i]);

        if (span_equal_nocase(field_name(head, &head->fields[i]), SPAN("accept")))
            return span_starts(value, SPAN("application/openmetrics-text")) ||
                   span_starts(value, SPAN("text/plain"));
    }
    return false;
}

enum rc request_answer_own_status(struct request *r)
{
    const struct site *site = r->service->site;
    struct status_source source = {
        .upstreams = {.all = site->upstreams, .count = site->upstreams_count},
        .zones = &site->zones,
        .now_ms = clock_ms(),
        .now = time(NULL),
        .loops = site->process.loops,
    };
    bool prometheus = wants_prometheus(r), done;
    SCOPED(text) text = {0};
    struct span copy;

    service_totals(&source.connections_accepted, &source.connections_active, &source.began_ms);
    done = prometheus ? status_write_prometheus(&source, &text)
                      : status_write_json(&source, &text);
    copy = done ? arena_copy(&r->arena, text_span(&text)) : (struct span){0};
    if (!copy.at)
        return RC_MEMORY;
    return request_answer_text(
        r, prometheus ? SPAN("text/plain; version=0.0.4") : SPAN("application/json"), copy);
}
