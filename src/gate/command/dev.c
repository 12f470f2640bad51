#include "gate/command/dev.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/options.h"
#include "base/units.h"

#define USAGE "gate dev TARGET [PATH=TARGET ...]"

enum { PORT = 8000, TARGETS_MAX = 64 };

static const struct option_row rows[] = {
    {"port", 'p', "PORT", "where to listen, on 127.0.0.1 and [::1] (8000)",
     offsetof(struct dev_options, port)},
    {"print", 0, NULL, "show the equivalent configuration instead of serving",
     offsetof(struct dev_options, print)},
    {"help", 'h', NULL, "this text", offsetof(struct dev_options, help)},
    {0},
};

struct target {
    struct span path;   /* "/api/" */
    struct span scheme; /* "http://" or "https://" */
    struct span rest;   /* "localhost:8002", "example.com/v1/" */
    bool local;         /* on this machine: it is asked by the name that the browser uses */
};

void dev_help(void)
{
    puts("usage: " USAGE "\n\n"
         "Serves several local servers as one: no CORS, no configuration file, WebSocket "
         "included.\n\n"
         "  gate dev 8001                      http://localhost:8000/ is what port 8001 "
         "serves\n"
         "  gate dev 8001 /api/=8002           and /api/ what port 8002 does\n"
         "  gate dev 5173 /api/=https://api.example.com/v1/\n\n"
         "A target is PORT, HOST:PORT or a URL. Options:");
    options_print(rows);
}

static enum rc parse_port(const char *word, uint16_t *port, struct fault *why)
{
    uint64_t number;

    if (units_parse_number(span_text(word), UINT16_MAX, &number) != RC_OK || number == 0)
        return fail(why, RC_USAGE, "\"%s\" is no port: --port takes a number from 1 to 65535",
                    word);
    *port = (uint16_t)number;
    return RC_OK;
}

/* Bytes that would mean something else in a configuration. */
static bool is_plain(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] <= ' ' || s.at[i] >= 0x7f || strchr("\"'\\{};$#", s.at[i]))
            return false;
    }
    return true;
}

static bool is_digits(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
    }
    return s.len > 0;
}

static bool is_loopback(struct span host)
{
    return span_equal(host, SPAN("localhost")) || span_starts(host, SPAN("127.")) ||
           span_equal(host, SPAN("[::1]"));
}

static bool cut(struct span *s, struct span prefix)
{
    if (!span_starts(*s, prefix))
        return false;
    span_cut(s, prefix.len);
    return true;
}

/* HOST, HOST:PORT, [V6]:PORT; *port is 0 where none is written. */
static bool split_host(struct span text, struct span *host, uint64_t *port)
{
    size_t len =
        text.len > 0 && text.at[0] == '[' ? span_find(text, ']') + 1 : span_find(text, ':');

    *port = 0;
    if (len > text.len || len == 0)
        return false;
    *host = span_cut(&text, len);
    if (text.len == 0)
        return true;
    span_cut(&text, 1);
    return units_parse_number(text, UINT16_MAX, port) == RC_OK && *port > 0;
}

/* "8001", "localhost:8001", "https://example.com/v1/" */
static enum rc parse_target(struct span word, uint16_t own_port, struct target *target,
                            struct fault *why)
{
    struct span rest = word, host;
    bool tls, url;
    uint64_t port;

    tls = cut(&rest, SPAN("https://"));
    url = tls || cut(&rest, SPAN("http://"));
    target->scheme = tls ? SPAN("https://") : SPAN("http://");
    target->rest = rest;
    if (!url && is_digits(rest)) {
        host = SPAN("localhost");
        if (units_parse_number(rest, UINT16_MAX, &port) != RC_OK || port == 0)
            return fail(why, RC_USAGE, "\"%.*s\" is no port: ports go from 1 to 65535",
                        SPAN_ARG(word));
    } else if (!split_host(span_of(rest.at, span_find(rest, '/')), &host, &port) ||
               !is_plain(rest) || (!url && (port == 0 || span_find(rest, '/') < rest.len))) {
        return fail(
            why, RC_USAGE,
            "\"%.*s\" is no target: write PORT, HOST:PORT, or a URL with http:// or https://",
            SPAN_ARG(word));
    }
    target->local = is_loopback(host);
    if (target->local && (port ? port : tls ? 443 : 80) == own_port)
        return fail(
            why, RC_USAGE,
            "\"%.*s\" is the port that gate itself listens on: choose another with --port",
            SPAN_ARG(word));
    return RC_OK;
}

/* "PATH=TARGET", or "TARGET" for "/". */
static enum rc parse_word(const char *text, uint16_t own_port, struct target *target,
                          struct fault *why)
{
    struct span word = span_text(text);
    size_t equals = span_find(word, '=');

    target->path = SPAN("/");
    if (word.len > 0 && word.at[0] == '/') {
        target->path = span_cut(&word, equals);
        if (word.len == 0)
            return fail(why, RC_USAGE, "\"%s\" names no target: write %s=PORT", text, text);
        span_cut(&word, 1);
    }
    if (!is_plain(target->path))
        return fail(why, RC_USAGE,
                    "\"%s\": a path may hold no blanks, quotes or any of { } ; $ # and \\",
                    text);
    return parse_target(word, own_port, target, why);
}

static enum rc check_paths(const struct target *targets, int count, struct fault *why)
{
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < i; j++) {
            if (span_equal(targets[i].path, targets[j].path))
                return fail(why, RC_USAGE,
                            "two targets for \"%.*s\": write PATH=TARGET, such as /api/=%.*s",
                            SPAN_ARG(targets[i].path), SPAN_ARG(targets[i].rest));
        }
    }
    return RC_OK;
}

/* Some containers have no IPv6 at all. */
static bool has_ipv6(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound;

    if (fd < 0)
        return false;
    bound = bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return bound;
}

static void write_location(const struct target *target, struct text *out)
{
    bool port_only = is_digits(target->rest);

    text_printf(out, "\n    location %.*s {\n", SPAN_ARG(target->path));
    text_printf(out, "        proxy_pass %.*s%s%.*s;\n", SPAN_ARG(target->scheme),
                port_only ? "localhost:" : "", SPAN_ARG(target->rest));
    text_printf(out, "        proxy_set_header Host %s;\n",
                target->local ? "$http_host" : "$proxy_host");
    text_printf(out, "        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
                     "        proxy_set_header X-Forwarded-Host $http_host;\n"
                     "        proxy_set_header X-Forwarded-Proto $scheme;\n");
    if (span_equal(target->scheme, SPAN("https://")))
        text_printf(out, "        proxy_ssl_verify on;\n"
                         "        proxy_ssl_verify_depth 5;\n"
                         "        proxy_ssl_server_name on;\n");
    text_printf(out, "    }\n");
}

static void write_all(const struct target *targets, int count, uint16_t port, struct text *out)
{
    text_printf(out, "server {\n    listen 127.0.0.1:%u;\n", port);
    if (has_ipv6())
        text_printf(out, "    listen [::1]:%u;\n", port);
    text_printf(out, "    server_name localhost;\n"
                     "    access_log off;\n"
                     "    client_max_body_size 0;\n"
                     "\n"
                     "    proxy_websocket on;\n"
                     "    proxy_buffer_size 32k;\n"
                     "    proxy_buffers 8 32k;\n"
                     "    proxy_read_timeout 1h;\n"
                     "    proxy_send_timeout 1h;\n");
    for (int i = 0; i < count; i++)
        write_location(&targets[i], out);
    text_printf(out, "}\n");
}

static void write_greeting(const struct target *targets, int count, uint16_t port,
                           struct text *out)
{
    text_printf(out, "http://localhost:%u/ is ready; Ctrl-C ends it.\n", (unsigned)port);
    for (int i = 0; i < count; i++)
        text_printf(out, "  %-12.*s from %.*s%.*s\n", SPAN_ARG(targets[i].path),
                    SPAN_ARG(targets[i].scheme), SPAN_ARG(targets[i].rest));
}

enum rc dev_configuration(char **words, int count, struct dev_options *options,
                          struct text *out, struct text *greeting, struct fault *why)
{
    struct target targets[TARGETS_MAX] = {0};
    uint16_t port = PORT;
    enum rc rc;

    *options = (struct dev_options){0};
    if ((rc = options_parse(rows, options, words, &count, why)) != RC_OK)
        return rc;
    if (options->help)
        return RC_OK;
    if (options->port && (rc = parse_port(options->port, &port, why)) != RC_OK)
        return rc;
    if (count == 0)
        return fail(why, RC_USAGE,
                    "nothing to serve: " USAGE ", such as gate dev 8001 /api/=8002");
    if (count > TARGETS_MAX)
        return fail(why, RC_LIMIT, "more than %d targets", TARGETS_MAX);
    for (int i = 0; i < count; i++) {
        if ((rc = parse_word(words[i], port, &targets[i], why)) != RC_OK)
            return rc;
    }
    if ((rc = check_paths(targets, count, why)) != RC_OK)
        return rc;
    write_all(targets, count, port, out);
    write_greeting(targets, count, port, greeting);
    return text_ok(out) && text_ok(greeting)
               ? RC_OK
               : fail(why, RC_MEMORY, "no memory for the configuration");
}
