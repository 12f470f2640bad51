#include "gate/forward/forward_settings.h"

#include <stddef.h>

#include "base/units.h"
#include "gate/conf/slot.h"
#include "gate/upstream/proxy_settings.h"

#define AT(member) .offset = offsetof(struct forward_settings, member)
#define PLACE CONF_ALL_HTTP

/* "tunnel_pass [HOST:PORT]" */
static enum rc set_tunnel(struct conf *conf, const struct directive *d, void *part)
{
    struct forward_settings *s = part;

    (void)d;
    s->tunnels = true;
    s->open = conf->as_nginx;
    s->tunnel = (struct template){0};
    return conf_words(conf) > 1 ? conf_template(conf, 1, conf_word(conf, 1), &s->tunnel)
                                : RC_OK;
}

static enum rc set_forward(struct conf *conf, const struct directive *d, void *part)
{
    struct forward_settings *s = part;

    s->open = conf->as_nginx;
    return conf_set_flag(conf, d, part);
}

/* "port=NUMBER" or "port=FIRST-LAST" */
static bool parse_ports(struct span word, struct destination_rule *rule)
{
    struct span first;
    uint64_t from, to;

    span_cut(&word, strlen("port="));
    first = span_cut(&word, span_find(word, '-'));
    if (units_parse_number(first, UINT16_MAX, &from) != RC_OK || from == 0)
        return false;
    to = from;
    if (word.len > 0) {
        span_cut(&word, 1);
        if (units_parse_number(word, UINT16_MAX, &to) != RC_OK || to < from)
            return false;
    }
    rule->port = (uint16_t)from;
    rule->last_port = (uint16_t)to;
    return true;
}

/* One word of a rule. */
static enum rc parse_word(struct conf *conf, size_t i, struct destination_rule *rule)
{
    struct span word = conf_word(conf, i);
    struct regex *regex = NULL;
    bool loose;
    enum rc rc;

    if (span_equal(word, SPAN("all")))
        return RC_OK;
    if (span_equal(word, SPAN("private")))
        return rule->is_private = true, RC_OK;
    if (span_starts(word, SPAN("port="))) {
        return parse_ports(word, rule)
                   ? RC_OK
                   : conf_fail(conf, i, "port=8080 or port=8000-8099",
                               "invalid parameter \"%.*s\"", SPAN_ARG(word));
    }
    if (span_starts(word, SPAN("~"))) {
        span_cut(&word, 1);
        rc = conf_regex(conf, i, word, true, &regex);
        rule->regex = regex;
        return rc;
    }
    if (cidr_parse(word, &rule->block, &loose) == RC_OK)
        return rule->has_block = true, RC_OK;
    if (span_find(word, '/') < word.len || span_find(word, ':') < word.len || word.len == 0)
        return conf_fail(
            conf, i, "a host, .suffix, ~expression, port=N, an address or block, private, all",
            "invalid parameter \"%.*s\"", SPAN_ARG(word));
    *(word.at[0] == '.' ? &rule->suffix : &rule->host) = word;
    return RC_OK;
}

/* "forward_allow WHAT ...", "forward_deny WHAT ..." */
static enum rc set_rule(struct conf *conf, const struct directive *d, void *part)
{
    struct forward_settings *s = part;
    struct destination_rule made = {.deny = strcmp(d->name, "forward_deny") == 0};
    struct destination_rule *rules = NULL, *rule;
    enum rc rc = RC_OK;

    for (size_t i = 1; i < conf_words(conf) && rc == RC_OK; i++)
        rc = parse_word(conf, i, &made);
    if (rc != RC_OK)
        return rc;
    if (s->rules_count > 0)
        memcpy(&rules, &s->rules, sizeof rules);
    if (!(rule = conf_add(conf, (void **)&rules, &s->rules_count, sizeof *rule)))
        return RC_MEMORY;
    *rule = made;
    s->rules = rules;
    return RC_OK;
}

static enum rc set_bind(struct conf *conf, const struct directive *d, void *part)
{
    struct forward_settings *s = part;

    (void)d;
    return proxy_settings_bind(conf, &s->binds, &s->bind);
}

static const struct conf_choice next[] = {
    {"error", PROXY_NEXT_ERROR}, {"timeout", PROXY_NEXT_TIMEOUT}, {"off", 0}, {0}};

const struct directive forward_directives[] = {
    {"tunnel_pass", CONF_SERVER | CONF_LOCATION | CONF_IF, 0, 1, .set = set_tunnel,
     .doc =
         "CONNECT makes a tunnel to the host and port that it names, or to this one: a proxy "
         "for clients on their way out. See forward_allow for where it may lead."},
    {"tunnel_connect_timeout", PLACE, 1, 1, .set = conf_set_milliseconds,
     AT(connect_timeout_ms), .standard = "60s",
     .doc = "How long the connection of a tunnel may take to come about."},
    {"tunnel_read_timeout", PLACE, 1, 1, .set = conf_set_milliseconds, AT(read_timeout_ms),
     .standard = "60s", .doc = "How long a tunnel may be silent before it is closed."},
    {"tunnel_send_timeout", PLACE, 1, 1, .set = conf_set_milliseconds, .offset = CONF_NOWHERE,
     .doc = "Accepted, of no effect: tunnel_read_timeout is for both directions."},
    {"tunnel_buffer_size", PLACE, 1, 1, .set = conf_set_size, .offset = CONF_NOWHERE,
     .doc = "Accepted, of no effect: one buffer of a fixed size serves each direction."},
    {"tunnel_bind", PLACE, 1, 2, .set = set_bind,
     .doc = "The address, and perhaps port, that these connections come from; off for the "
            "system's "
            "choice."},
    {"tunnel_socket_keepalive", PLACE, 1, 1, .set = conf_set_flag, AT(socket_keepalive),
     .standard = "off", .doc = "TCP keep-alive on these connections."},
    {"tunnel_socket_rcvbuf", PLACE, 1, 1, .set = conf_set_size, AT(socket_rcvbuf),
     .doc = "The size of the receive buffer of these connections; without it, the system's."},
    {"tunnel_socket_sndbuf", PLACE, 1, 1, .set = conf_set_size, AT(socket_sndbuf),
     .doc = "The same of the send buffer."},
    {"tunnel_send_lowat", PLACE, 1, 1, .set = conf_set_size, .offset = CONF_NOWHERE,
     .doc = "Accepted, of no effect: it has no meaning on Linux."},
    {"tunnel_next_upstream", PLACE, 1, CONF_MANY, true, .set = conf_set_choices, AT(next),
     .of = next, .standard = "error timeout",
     .doc = "After which failures to connect the next address of a name is tried: error, "
            "timeout; "
            "or off."},
    {"tunnel_next_upstream_tries", PLACE, 1, 1, .set = conf_set_number, AT(next_tries),
     .standard = "0", .doc = "How many of them are tried in all; 0 for up to three."},
    {"tunnel_next_upstream_timeout", PLACE, 1, 1, .set = conf_set_milliseconds,
     AT(next_timeout_ms), .standard = "0",
     .doc = "How long after the first another one may be tried; 0 for any time."},
    {"forward", CONF_SERVER | CONF_LOCATION, 1, 1, .set = set_forward, AT(on),
     .standard = "off",
     .doc =
         "Passes requests with an absolute target (GET http://host/path) on to that host. The "
         "client's address is not told. See forward_allow for where it may lead."},
    {"forward_allow", PLACE, 1, 8, true, .set = set_rule,
     .doc =
         "Where tunnel_pass and forward may lead: a host, .suffix, ~expression, port= (one, "
         "or "
         "FIRST-LAST), an "
         "address or block of addresses, private, or all; what stands in one rule must hold "
         "together, and the first rule of forward_allow and forward_deny that fits decides. "
         "Addresses are looked at after the name was resolved, and the one that was looked at "
         "is connected to; where it refuses, up to two others of that name are. Without a "
         "rule that fits, public addresses may be reached at "
         "ports 80 and 443, and no loopback, private, link-local or reserved ones; called as "
         "nginx all may."},
    {"forward_deny", PLACE, 1, 8, true, .set = set_rule,
     .doc = "Where they may not lead: answered with 403."},
    {0},
};
