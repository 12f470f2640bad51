/* What a request says to the error log, to gate explain, and to the access log at its end. */
#include <stdio.h>

#include "gate/journal/journal.h"
#include "gate/request_proxy.h"
#include "gate/trace.h"

enum { URL_MAX = 1024 }; /* of an origin, as it is logged */

/* "http://127.0.0.1:81/path" while its origin is asked; behind a redirect the name of the last one alone. */
static struct span upstream_url(struct request *r, struct buffer *url)
{
    struct span name = r->tries[(r->tries_count - 1) % REQUEST_TRIES].name;

    if (r->tries_count == r->tries_before || r->goes_out || !proxy_of(r)->pass.is_set)
        return name;
    buffer_add(url, pass_of(r)->tls ? SPAN("https://") : SPAN("http://"));
    buffer_add(url, name);
    if (span_starts(name, SPAN("unix:")))
        buffer_add_byte(url, ':');
    request_write_target(r, url);
    return url->full ? name : buffer_span(url);
}

void request_log(struct request *r, enum log_level level, const char *format, ...)
{
    const struct journal_settings *journal = &request_settings(r)->journal;
    char text[ADDRESS_TEXT], message[512], room[URL_MAX];
    struct buffer url = buffer_over(room, sizeof room);
    struct address from;
    struct journal_context context = {.connection = r->client->number};
    const struct field *host, *referrer;
    va_list args;

    if (!journal_wants(journal->error, journal->error_count, level) && !r->service->trace)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (r->service->trace) {
        request_trace(r, NULL, "%s", message);
        return;
    }
    request_address(r, &from);
    context.client = address_text(&from, text, true);
    context.server = r->server->name;
    if (r->head.line_len > 0) {
        context.request = h1_request_line(&r->head);
        if ((host = head_find(&r->head.head, FIELD_HOST)))
            context.host = field_value(&r->head.head, host);
        if ((referrer = head_find(&r->head.head, FIELD_REFERER)))
            context.referrer = field_value(&r->head.head, referrer);
    }
    if (r->tries_count > 0)
        context.upstream = upstream_url(r, &url);
    journal_error(journal->error, journal->error_count, level, &context, "%s", message);
}

void request_trace(struct request *r, const struct conf_node *node, const char *format, ...)
{
    char what[1024];
    va_list args;

    if (!r->service->trace)
        return;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    r->service->trace->note(r->service->trace, node, what);
}

void request_log_access(struct request *r)
{
    const struct journal_settings *journal = &request_settings(r)->journal;
    struct buffer line;

    if (r->parent && !request_settings(r)->respond.log_subrequest)
        return;
    if (journal->access_count == 0 || r->service->trace)
        return;
    line = buffer_over(r->service->out, SCRATCH_OUT);
    journal_access(journal, r, &line, &r->service->log_turn);
    if (journal_turn_waits(&r->service->log_turn))
        loop_defer(r->service->loop, &r->service->log_task);
}
