#include "gate/listen/listen_line.h"

#include <stdio.h>
#include <unistd.h>

#include "base/units.h"
#include "gate/conf/value.h"

enum { PORT = 80, PORT_USER = 8000, HOST_MAX = 255 };

static void set_any(struct listen_line *line, uint16_t port)
{
    line->count = 1;
    line->addresses[0].len = sizeof(struct sockaddr_in);
    line->addresses[0].v4 =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
}

void listen_line_standard(struct listen_line *line)
{
    *line = (struct listen_line){.backlog = -1, .ipv6_only = true};
    set_any(line, geteuid() == 0 ? PORT : PORT_USER);
}

static bool is_number(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    }
    return text.len > 0;
}

static bool parse_port(struct span text, uint16_t *port)
{
    uint64_t number;

    if (units_parse_number(text, UINT16_MAX, &number) != RC_OK || number == 0)
        return false;
    *port = (uint16_t)number;
    return true;
}

/* "HOST" or "HOST:PORT" with an IPv6 literal in brackets. nginx's words for what is wrong, or NULL. */
static const char *cut_host(struct span text, struct span *host, uint16_t *port)
{
    size_t len =
        text.len > 0 && text.at[0] == '[' ? span_find(text, ']') + 1 : span_find(text, ':');

    *port = PORT;
    if (len > text.len)
        return "invalid IPv6 address";
    *host = span_cut(&text, len);
    if (memchr(host->at, '/', host->len) || host->len > HOST_MAX)
        return "invalid host";
    if (text.len > 0 && text.at[0] != ':')
        return "invalid host";
    if (text.len > 0 && !parse_port(span_of(text.at + 1, text.len - 1), port))
        return "invalid port";
    return host->len > 0 ? NULL : "no host";
}

static const char *look_up(struct listen_line *line, struct span host, uint16_t port)
{
    char whole[HOST_MAX + 16];
    struct fault why = {0};

    snprintf(whole, sizeof whole, "%.*s:%u", SPAN_ARG(host), port);
    line->count = 1;
    if (address_parse(span_text(whole), &line->addresses[0]) == RC_OK)
        return NULL;
    if (host.at[0] == '[')
        return "invalid IPv6 address";
    snprintf(whole, sizeof whole, "%.*s", SPAN_ARG(host));
    if (address_look_up(whole, port, line->addresses, LISTEN_ADDRESSES_MAX, &line->count,
                        &why) != RC_OK ||
        line->count == 0)
        return "host not found";
    return NULL;
}

static const char *parse_address(struct span text, struct listen_line *line)
{
    struct span host;
    const char *wrong;
    uint16_t port;

    if (span_starts(text, SPAN("unix:"))) {
        line->count = 1;
        if (text.len == strlen("unix:"))
            return "no path in the unix domain socket";
        return address_parse(text, &line->addresses[0]) == RC_OK
                   ? NULL
                   : "too long path in the unix domain socket";
    }
    if (is_number(text)) {
        if (!parse_port(text, &port))
            return "invalid port";
        set_any(line, port);
        return NULL;
    }
    if ((wrong = cut_host(text, &host, &port)))
        return wrong;
    if (span_equal(host, SPAN("*"))) {
        set_any(line, port);
        return NULL;
    }
    return look_up(line, host, port);
}

static bool cut_name(struct span *word, const char *name)
{
    if (!span_starts(*word, span_text(name)))
        return false;
    span_cut(word, strlen(name));
    return true;
}

static enum rc invalid(struct conf *conf, size_t i)
{
    return conf_fail(conf, i, NULL, "invalid parameter \"%.*s\"",
                     SPAN_ARG(conf_word(conf, i)));
}

static enum rc set_backlog(struct conf *conf, size_t i, struct span value,
                           struct listen_line *line)
{
    uint64_t number;

    if (units_parse_number(value, INT32_MAX, &number) != RC_OK || number == 0)
        return conf_fail(conf, i, NULL, "invalid backlog \"%.*s\"",
                         SPAN_ARG(conf_word(conf, i)));
    line->backlog = (int)number;
    line->has_options = true;
    return RC_OK;
}

static enum rc set_buffer(struct conf *conf, size_t i, struct span value, const char *name,
                          int *bytes, struct listen_line *line)
{
    uint64_t size;

    if (value_parse_size(value, false, &size) != RC_OK || size > INT32_MAX)
        return conf_fail(conf, i, NULL, "invalid %s \"%.*s\"", name,
                         SPAN_ARG(conf_word(conf, i)));
    *bytes = (int)size;
    line->has_options = true;
    return RC_OK;
}

/* "on", "off" or "[IDLE]:[INTERVAL]:[COUNT]", one of them at least. */
static enum rc set_keepalive(struct conf *conf, size_t i, struct span value,
                             struct listen_line *line)
{
    struct listen_keepalive *k = &line->keepalive;
    struct span part[3], rest = value;
    uint64_t number[3] = {0};
    bool right = true;

    line->has_options = true;
    if (span_equal(value, SPAN("on")) || span_equal(value, SPAN("off"))) {
        k->on = span_equal(value, SPAN("on")) ? 1 : -1;
        return RC_OK;
    }
    for (int p = 0; p < 3; p++) {
        part[p] = span_cut(&rest, span_find(rest, ':'));
        if (part[p].len > 0)
            right =
                right && (p < 2 ? value_parse_seconds(part[p], &number[p])
                                : units_parse_number(part[p], INT32_MAX, &number[p])) == RC_OK;
        if (p < 2)
            span_cut(&rest, 1);
    }
    if (!right || rest.len > 0 || part[0].len + part[1].len + part[2].len == 0 ||
        number[0] > INT32_MAX || number[1] > INT32_MAX)
        return conf_fail(conf, i, NULL, "invalid so_keepalive value: \"%.*s\"",
                         SPAN_ARG(value));
    *k = (struct listen_keepalive){1, (int)number[0], (int)number[1], (int)number[2]};
    return RC_OK;
}

static enum rc set_ipv6_only(struct conf *conf, size_t i, struct span value,
                             struct listen_line *line)
{
    if (!span_equal(value, SPAN("on")) && !span_equal(value, SPAN("off")))
        return span_starts(value, SPAN("o"))
                   ? conf_fail(conf, i, NULL, "invalid ipv6only flags \"%.*s\"",
                               SPAN_ARG(value))
                   : invalid(conf, i);
    line->ipv6_only = span_equal(value, SPAN("on"));
    line->has_options = true;
    return RC_OK;
}

/* Parameters with a value; RC_NOT_FOUND for a word that is none of them. */
static enum rc set_value(struct conf *conf, size_t i, struct listen_line *line)
{
    struct span word = conf_word(conf, i);

    if (cut_name(&word, "backlog="))
        return set_backlog(conf, i, word, line);
    if (cut_name(&word, "rcvbuf="))
        return set_buffer(conf, i, word, "rcvbuf", &line->receive_buffer, line);
    if (cut_name(&word, "sndbuf="))
        return set_buffer(conf, i, word, "sndbuf", &line->send_buffer, line);
    if (cut_name(&word, "ipv6only="))
        return set_ipv6_only(conf, i, word, line);
    if (cut_name(&word, "so_keepalive="))
        return set_keepalive(conf, i, word, line);
    if (cut_name(&word, "fastopen=")) {
        uint64_t queue;

        if (units_parse_number(word, INT32_MAX, &queue) != RC_OK)
            return conf_fail(conf, i, NULL, "invalid fastopen \"%.*s\"",
                             SPAN_ARG(conf_word(conf, i)));
        line->has_options = true;
        line->fast_open = (int)queue;
        return RC_OK;
    }
    if (cut_name(&word, "accept_filter="))
        return conf_fail(conf, i, NULL,
                         "accept filters \"%.*s\" are not supported on this platform, ignored",
                         SPAN_ARG(conf_word(conf, i)));
    if (cut_name(&word, "setfib="))
        return conf_fail(conf, i, NULL,
                         "setfib \"%.*s\" is not supported on this platform, ignored",
                         SPAN_ARG(conf_word(conf, i)));
    return RC_NOT_FOUND;
}

static enum rc set_parameter(struct conf *conf, size_t i, struct listen_line *line)
{
    struct span word = conf_word(conf, i);

    if (span_equal(word, SPAN("default_server")) || span_equal(word, SPAN("default")))
        line->default_server = true;
    else if (span_equal(word, SPAN("ssl")))
        line->tls = true;
    else if (span_equal(word, SPAN("bind")))
        line->has_options = true;
    else if (span_equal(word, SPAN("reuseport")))
        line->has_options = line->reuse_port = true;
    else if (span_equal(word, SPAN("deferred")))
        line->has_options = line->deferred = true;
    else if (span_equal(word, SPAN("http2")))
        conf_warn(conf, i, NULL, "HTTP/2 is not offered yet, clients are served by HTTP/1.1");
    else if (span_equal(word, SPAN("proxy_protocol")))
        line->proxy_protocol = true;
    else if (span_equal(word, SPAN("quic")) || span_equal(word, SPAN("multipath")))
        return conf_fail(conf, i, NULL,
                         "\"%.*s\" of \"listen\" is something that gate does not have yet",
                         SPAN_ARG(word));
    else
        return set_value(conf, i, line);
    return RC_OK;
}

enum rc listen_line_parse(struct conf *conf, struct listen_line *line)
{
    struct span text = conf_word(conf, 1);
    const char *wrong;

    *line = (struct listen_line){.backlog = -1, .ipv6_only = true};
    if ((wrong = parse_address(text, line)))
        return conf_fail(conf, 1, NULL, "%s in \"%.*s\" of the \"listen\" directive", wrong,
                         SPAN_ARG(text));
    for (size_t i = 2; i < conf_words(conf); i++) {
        enum rc rc = set_parameter(conf, i, line);

        if (rc != RC_OK)
            return rc == RC_NOT_FOUND ? invalid(conf, i) : rc;
    }
    return RC_OK;
}
