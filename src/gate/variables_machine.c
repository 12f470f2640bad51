/* What the kernel and gate itself know: of the connection, of all connections, of a folder, of bytes saved. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <time.h>

#include "gate/service.h"
#include "gate/variables.h"
#include "gate/variables_room.h"

enum { DATE_MAX = 128 };

static bool give_number(struct request *r, uint64_t number, struct span *value)
{
    struct buffer b = room(r, 20);

    if (b.at)
        buffer_add_number(&b, number);
    return give(&b, value);
}

bool variables_tcp(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    struct tcp_info info = {0};
    socklen_t len = sizeof info;

    (void)rest;
    if (r->client->from.family == AF_UNIX ||
        getsockopt(r->client->stream.fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return false;
    switch ((enum variables_tcp_fact)of) {
    case VARIABLES_TCP_RTT:
        return give_number(r, info.tcpi_rtt, value);
    case VARIABLES_TCP_RTTVAR:
        return give_number(r, info.tcpi_rttvar, value);
    case VARIABLES_TCP_WINDOW:
        return give_number(r, info.tcpi_snd_cwnd, value);
    case VARIABLES_TCP_SPACE:
        return give_number(r, info.tcpi_rcv_space, value);
    }
    return false;
}

/* In words: "Thursday, 26-Nov-2026 03:40:00 GMT". */
bool variables_date(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct buffer b = room(subject, DATE_MAX);
    const time_t now = time(NULL);
    struct tm tm;

    (void)rest;
    if (!b.at || !(of ? gmtime_r(&now, &tm) : localtime_r(&now, &tm)))
        return false;
    b.len = strftime((char *)b.at, b.size, "%A, %d-%b-%Y %H:%M:%S %Z", &tm);
    return give(&b, value);
}

bool variables_connections(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    uint64_t accepted, active, began_ms, requests, busy;

    (void)rest;
    service_totals(&accepted, &active, &began_ms);
    service_requests(&requests, &busy);
    busy = busy < active ? busy : active;
    switch ((enum variables_connections_fact)of) {
    case VARIABLES_CONNECTIONS_ACTIVE:
        return give_number(subject, active, value);
    case VARIABLES_CONNECTIONS_READING:
        return give_number(subject, 0, value);
    case VARIABLES_CONNECTIONS_WRITING:
        return give_number(subject, busy, value);
    case VARIABLES_CONNECTIONS_WAITING:
        return give_number(subject, active - busy, value);
    }
    return false;
}

bool variables_real_root(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    struct buffer root = room(r, 4096);
    char *real;

    (void)rest;
    (void)of;
    if (!root.at)
        return false;
    template_write(&request_settings(r)->respond.root, r, &root);
    buffer_add_byte(&root, 0);
    real = root.full ? NULL : realpath((const char *)root.at, NULL);
    if (!real) {
        request_log(r, LOG_LEVEL_CRIT, "realpath() \"%.*s\" failed",
                    SPAN_ARG(buffer_span(&root)));
        return false;
    }
    *value = arena_copy(&r->arena, span_text(real));
    free(real);
    return value->at != NULL;
}

/* "3.26": how many times larger the body was than what went out, rounded. */
bool variables_gzip_ratio(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    struct buffer b = room(r, 24);
    uint64_t hundredths;

    (void)rest;
    (void)of;
    if (!r->squeezed || r->squeezed_from == 0 || r->body_sent == 0 || !b.at)
        return false;
    hundredths = (r->squeezed_from * 1000 / r->body_sent + 5) / 10;
    buffer_add_number(&b, hundredths / 100);
    buffer_add_byte(&b, '.');
    buffer_add_byte(&b, (uint8_t)('0' + hundredths / 10 % 10));
    buffer_add_byte(&b, (uint8_t)('0' + hundredths % 10));
    return give(&b, value);
}

/* The port that the target or else Host names; `of`: only the ':' in front of it. */
bool variables_request_port(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    const struct request *r = client_s(subject);
    struct span host = h1_request_authority(&r->head);
    const struct field *field = head_find(&r->head.head, FIELD_HOST);
    size_t at;

    (void)rest;
    if (host.len == 0 && field)
        host = field_value(&r->head.head, field);
    at = host.len;
    while (at > 0 && host.at[at - 1] >= '0' && host.at[at - 1] <= '9')
        at--;
    if (at == 0 || at == host.len || host.at[at - 1] != ':')
        return of != 0; /* $is_request_port is empty then, and $request_port is not there */
    *value = of ? SPAN(":") : span_of(host.at + at, host.len - at);
    return true;
}

bool variables_rate(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;

    (void)rest;
    (void)of;
    return give_number(r, r->has_told_rate ? r->told_rate : r->rate, value);
}

bool variables_nothing(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    (void)subject, (void)rest;
    *value = (struct span){0};
    return of == VARIABLES_NOTHING_EMPTY;
}
