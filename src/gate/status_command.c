#include "gate/status_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/scoped.h"
#include "codec/json.h"
#include "gate/http/h1_response.h"

enum { ANSWER_MAX = 64 << 20, FIELDS = 64, WAIT_S = 5, CHANGES = 3 /* shown of a server */ };

/* ---- asking ---- */

/* Where the server of the location listens without TLS; NULL: nowhere. */
static const struct listener *find_listener(const struct site *site)
{
    const struct server *server = site->status->server;

    for (size_t i = 0; i < site->listeners_count; i++) {
        struct captures captures = {0};
        const struct listener *l = &site->listeners[i];

        if (!l->tls && (l->default_server == server ||
                        server_names_find(l->names, server->name, &captures) == server))
            return l;
    }
    return NULL;
}

/* A wildcard address is reached at the loopback. */
static struct address reachable(const struct address *listening)
{
    struct address to = *listening;

    if (to.any.sa_family == AF_INET && to.v4.sin_addr.s_addr == INADDR_ANY)
        to.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else if (to.any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&to.v6.sin6_addr))
        to.v6.sin6_addr = in6addr_loopback;
    return to;
}

static enum rc exchange(int fd, struct span request, struct text *answer, struct fault *why)
{
    char bytes[16384];
    ssize_t n;

    if (send(fd, request.at, request.len, MSG_NOSIGNAL) != (ssize_t)request.len)
        return fail_errno(why, RC_IO, "the running gate does not take a request");
    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0 && answer->len < ANSWER_MAX)
        text_add(answer, span_of(bytes, (size_t)n));
    if (n < 0)
        return fail_errno(why, RC_IO, "the running gate does not answer");
    return text_ok(answer) ? RC_OK : fail(why, RC_MEMORY, "no memory for the status");
}

static enum rc ask(const struct site *site, struct text *answer, struct fault *why)
{
    const struct timeval wait = {.tv_sec = WAIT_S};
    const struct listener *listener;
    SCOPED(text) request = {0};
    char text[ADDRESS_TEXT];
    struct address to;
    enum rc rc;
    int fd;

    if (!site->status)
        return fail(why, RC_NOT_FOUND,
                    "no location tells the status: add \"location = /status { status; allow "
                    "127.0.0.1; deny all; }\" to a server");
    if (!(listener = find_listener(site)))
        return fail(why, RC_NOT_FOUND,
                    "the status location's server is reached with TLS alone: let it listen on "
                    "another address or a unix: path too");
    to = reachable(&listener->address);
    fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail_errno(why, RC_IO, "no socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    text_printf(&request, "GET %.*s HTTP/1.0\r\nHost: %.*s\r\n\r\n",
                SPAN_ARG(site->status->pattern.text),
                SPAN_ARG(site->status->server->name.len > 0 ? site->status->server->name
                                                            : SPAN("localhost")));
    if (connect(fd, &to.any, to.len) != 0)
        rc = fail(why, RC_IO, "no gate answers at %.*s: %s",
                  SPAN_ARG(address_text(&to, text, false)), strerror(errno));
    else
        rc = exchange(fd, text_span(&request), answer, why);
    close(fd);
    return rc;
}

/* What stands behind the head of a good answer. */
static enum rc find_body(const struct text *answer, struct span *body, struct fault *why)
{
    struct field fields[FIELDS];
    struct h1_response head = {.head = {.fields = fields, .capacity = FIELDS}};

    if (h1_response_parse(&head, (const uint8_t *)answer->at, answer->len, false, false,
                          16 * 1024, FIELDS, why) != RC_OK)
        return fail(why, RC_IO, "the running gate's answer is none");
    if (head.code != 200)
        return fail(why, RC_DENIED,
                    "the running gate answers %u: it is another one, or allow "
                    "and deny keep this address away",
                    head.code);
    *body = span_of(answer->at + head.head.len, answer->len - head.head.len);
    return RC_OK;
}

/* ---- showing ---- */

static unsigned long long number_of(const struct json *object, const char *name)
{
    uint64_t number = 0;

    (void)json_number(json_get(object, name), UINT64_MAX, &number);
    return number;
}

static const char *string_of(const struct json *object, const char *name)
{
    const char *string = json_string(json_get(object, name));

    return string ? string : "";
}

static unsigned long long sum_of(const struct json *object)
{
    unsigned long long sum = 0;
    const char *name;

    for (size_t i = 0; i < json_count(object); i++) {
        uint64_t number = 0;

        (void)json_number(json_at(object, i, &name), UINT64_MAX, &number);
        sum += number;
    }
    return sum;
}

/* "5 s", "12 min", "3 h", "9 d" */
static const char *age(char text[24], unsigned long long seconds)
{
    if (seconds < 120)
        snprintf(text, 24, "%llu s", seconds);
    else if (seconds < 120 * 60)
        snprintf(text, 24, "%llu min", seconds / 60);
    else if (seconds < 48 * 3600)
        snprintf(text, 24, "%llu h", seconds / 3600);
    else
        snprintf(text, 24, "%llu d", seconds / 86400);
    return text;
}

/* What has happened to it last, newest first. */
static void add_history(struct text *out, const struct json *server, unsigned long long now)
{
    const struct json *history = json_get(server, "history");
    size_t count = json_count(history), least = count > CHANGES ? count - CHANGES : 0;
    const char *name;
    char text[24];

    for (size_t i = count; i > least; i--) {
        const struct json *change = json_at(history, i - 1, &name);
        unsigned long long then = number_of(change, "time");

        text_printf(out, "    %s ago %s: %s\n", age(text, now > then ? now - then : 0),
                    string_of(change, "what"), string_of(change, "why"));
    }
}

/* Those that there were, by kind. */
static void add_errors(struct text *out, const struct json *errors)
{
    const char *between = "    errors: ", *name;

    for (size_t i = 0; i < json_count(errors); i++) {
        uint64_t number = 0;

        (void)json_number(json_at(errors, i, &name), UINT64_MAX, &number);
        if (number == 0)
            continue;
        text_printf(out, "%s%s %llu", between, name, (unsigned long long)number);
        between = ", ";
    }
    if (*between == ',')
        text_add_char(out, '\n');
}

static void add_checks(struct text *out, const struct json *checks)
{
    if (checks && number_of(checks, "made") > 0)
        text_printf(out, "    health checks: %llu, of which %llu failed\n",
                    number_of(checks, "made"), number_of(checks, "failed"));
}

static void add_server(struct text *out, const struct json *server, unsigned long long now)
{
    const struct json *latency = json_get(server, "latency_ms");
    unsigned long long since = number_of(server, "since");
    char text[24];

    text_printf(out, "  %-24s %-10s %8s %7llu %10llu %8llu %8llu %6llu %6llu  %s\n",
                string_of(server, "server"), string_of(server, "state"),
                age(text, now > since ? now - since : 0), number_of(server, "active"),
                number_of(server, "requests"), sum_of(json_get(server, "errors")),
                number_of(server, "retries"), number_of(latency, "p50"),
                number_of(latency, "p99"), string_of(server, "why"));
    add_errors(out, json_get(server, "errors"));
    add_checks(out, json_get(server, "checks"));
    add_history(out, server, now);
}

static void add_upstream(struct text *out, const struct json *upstream, unsigned long long now)
{
    const struct json *servers = json_get(upstream, "servers");
    const char *name;

    text_printf(out, "\n%s (%s)", string_of(upstream, "name"), string_of(upstream, "method"));
    if (number_of(upstream, "waiting") > 0)
        text_printf(out, ", %llu waiting", number_of(upstream, "waiting"));
    text_printf(out, "\n  %-24s %-10s %8s %7s %10s %8s %8s %6s %6s\n", "server", "state",
                "since", "active", "requests", "errors", "retries", "p50ms", "p99ms");
    for (size_t i = 0; i < json_count(servers); i++)
        add_server(out, json_at(servers, i, &name), now);
}

static enum rc show(struct span body, struct text *out, struct fault *why)
{
    struct json *json;
    const struct json *upstreams, *connections;
    const char *name;
    char text[24];
    enum rc rc = json_parse(&json, body, why);

    if (rc != RC_OK)
        return rc;
    upstreams = json_get(json, "upstreams");
    connections = json_get(json, "connections");
    text_printf(out, "gate %s, process %llu, for %s; %llu connections, %llu since then\n",
                string_of(json, "version"), number_of(json, "pid"),
                age(text, number_of(json, "uptime")), number_of(connections, "active"),
                number_of(connections, "accepted"));
    for (size_t i = 0; i < json_count(upstreams); i++)
        add_upstream(out, json_at(upstreams, i, &name), number_of(json, "time"));
    json_close(json);
    return text_ok(out) ? RC_OK : fail(why, RC_MEMORY, "no memory for the status");
}

enum rc status_command(const struct site *site, bool json, struct text *out, struct fault *why)
{
    SCOPED(text) answer = {0};
    struct span body;
    enum rc rc;

    if ((rc = ask(site, &answer, why)) || (rc = find_body(&answer, &body, why)))
        return rc;
    if (!json)
        return show(body, out, why);
    text_add(out, body);
    return RC_OK;
}
