#include "gate/upstream/upstream_block.h"

#include <stddef.h>

#include "base/units.h"
#include "gate/balance/balance.h"
#include "gate/conf/slot.h"
#include "gate/conf/value.h"
#include "gate/upstream/authority.h"
#include "gate/upstream/upstream_list.h"

#define AT(member) .offset = offsetof(struct upstream_settings, member)

enum { PORT = 80, WEIGHT_MAX = INT32_MAX };

/* A level with the upstream's own part. */
static void open_level(struct conf *conf, struct conf_level *level,
                       struct upstream_settings *upstream)
{
    size_t table = 0, row = 0;

    *level = (struct conf_level){.context = CONF_UPSTREAM};
    if (conf_find(conf->language, SPAN("server"), CONF_UPSTREAM, &table, &row))
        level->parts[table] = upstream;
}

void upstream_block_standards(struct conf *conf, struct upstream_settings *upstream)
{
    struct conf_level level;

    open_level(conf, &level, upstream);
    conf_standards(conf, &level);
}

enum rc upstream_block_set(struct conf *conf, const struct directive *d, void *part)
{
    struct proxy_settings *s = part;
    struct upstream_settings *upstream;
    size_t errors = conf->faults->errors;
    struct conf_level level;

    (void)d;
    if (upstream_list_find(s->upstreams, conf_word(conf, 1), false))
        return conf_fail(conf, 1, NULL, "duplicate upstream \"%.*s\"",
                         SPAN_ARG(conf_word(conf, 1)));
    upstream = upstream_list_add(conf, s->upstreams, conf_word(conf, 1));
    if (!upstream)
        return RC_MEMORY;
    open_level(conf, &level, upstream);
    conf_standards(conf, &level);
    conf_walk(conf, &level, conf->node->children);
    conf->ended = true;
    if (upstream->count == 0 && conf->faults->errors == errors)
        return conf_fail(conf, 1, "server HOST:PORT;", "no servers are inside upstream");
    return RC_OK;
}

static bool parse_count(struct span word, const char *name, uint64_t max, uint32_t *count)
{
    uint64_t number;

    span_cut(&word, strlen(name));
    if (units_parse_number(word, max, &number) != RC_OK)
        return false;
    *count = (uint32_t)number;
    return true;
}

static bool parse_fail_timeout(struct span word, uint64_t *ms)
{
    span_cut(&word, strlen("fail_timeout="));
    if (value_parse_seconds(word, ms) != RC_OK || *ms > INT64_MAX / 1000)
        return false;
    *ms *= 1000;
    return true;
}

/* One parameter of a server line; false when it is none, or its value is wrong. */
static bool parse_parameter(struct span word, struct server_address *server)
{
    if (span_starts(word, SPAN("weight=")))
        return parse_count(word, "weight=", WEIGHT_MAX, &server->weight) && server->weight > 0;
    if (span_starts(word, SPAN("max_conns=")))
        return parse_count(word, "max_conns=", UINT32_MAX, &server->max_conns);
    if (span_starts(word, SPAN("max_fails=")))
        return parse_count(word, "max_fails=", UINT32_MAX, &server->max_fails);
    if (span_starts(word, SPAN("fail_timeout=")))
        return parse_fail_timeout(word, &server->fail_timeout_ms);
    if (span_equal(word, SPAN("backup")))
        return server->backup = true;
    if (span_equal(word, SPAN("down")))
        return server->down = true;
    return false;
}

static bool is_for_later(struct span word)
{
    return span_equal(word, SPAN("resolve")) || span_equal(word, SPAN("drain")) ||
           span_starts(word, SPAN("route=")) || span_starts(word, SPAN("service="));
}

static enum rc set_server(struct conf *conf, const struct directive *d, void *part)
{
    struct server_address server = {.weight = 1, .max_fails = 1, .fail_timeout_ms = 10000};
    const struct upstream_settings *u = part;
    struct span text = conf_word(conf, 1);
    struct authority authority;
    const char *wrong;

    (void)d;
    for (size_t i = 2; i < conf_words(conf); i++) {
        struct span word = conf_word(conf, i);

        if (is_for_later(word))
            return conf_fail(conf, i, NULL,
                             "\"%.*s\" of \"server\" is something that gate does not have yet",
                             SPAN_ARG(word));
        if (u->balance && !u->balance->has_backups && span_equal(word, SPAN("backup")))
            return conf_fail(conf, i, NULL,
                             "balancing method does not support parameter \"%.*s\"",
                             SPAN_ARG(word));
        if (!parse_parameter(word, &server))
            return conf_fail(conf, i, NULL, "invalid parameter \"%.*s\"", SPAN_ARG(word));
    }
    wrong = authority_parse(text, &authority);
    if (!wrong && authority.uri.len > 0)
        wrong = "invalid host";
    if (wrong)
        return conf_fail(conf, 1, NULL, "%s in upstream \"%.*s\"", wrong, SPAN_ARG(text));
    return authority_add(conf, 1, text, &authority, authority.port ? authority.port : PORT,
                         &server, part);
}

/* "keepalive NUMBER [local]" */
static enum rc set_keepalive(struct conf *conf, const struct directive *d, void *part)
{
    struct span word = conf_word(conf, 1);
    struct upstream_settings *u = part;
    uint64_t number;

    if (units_parse_number(word, UINT32_MAX, &number) != RC_OK)
        return conf_fail(conf, 1, NULL, "invalid value \"%.*s\" in \"%s\" directive",
                         SPAN_ARG(word), d->name);
    if (conf_words(conf) > 2 && !span_equal(conf_word(conf, 2), SPAN("local")))
        return conf_fail(conf, 2, NULL, "invalid parameter \"%.*s\"",
                         SPAN_ARG(conf_word(conf, 2)));
    u->keepalive = number;
    return RC_OK;
}

static void choose_balance(struct conf *conf, struct upstream_settings *u, const char *name)
{
    if (u->balance)
        conf_warn(conf, 0, "keep one of them", "load balancing method redefined");
    u->balance = balance_find(name);
}

/* The directive's name is the balancer's. */
static enum rc set_balance(struct conf *conf, const struct directive *d, void *part)
{
    choose_balance(conf, part, d->name);
    return RC_OK;
}

/* "hash KEY [consistent]" */
static enum rc set_hash(struct conf *conf, const struct directive *d, void *part)
{
    struct upstream_settings *u = part;
    bool consistent = conf_words(conf) > 2;
    enum rc rc = conf_template(conf, 1, conf_word(conf, 1), &u->balance_key);

    (void)d;
    if (rc != RC_OK)
        return rc;
    if (consistent && !span_equal(conf_word(conf, 2), SPAN("consistent")))
        return conf_fail(conf, 2, "consistent", "invalid parameter \"%.*s\"",
                         SPAN_ARG(conf_word(conf, 2)));
    choose_balance(conf, u, consistent ? "hash consistent" : "hash");
    return RC_OK;
}

/* "random [two [least_conn]]" */
static enum rc set_random(struct conf *conf, const struct directive *d, void *part)
{
    static const struct span words[] = {{0}, SPAN("two"), SPAN("least_conn")};

    (void)d;
    choose_balance(conf, part, conf_words(conf) > 1 ? "random two" : "random");
    for (size_t i = 1; i < conf_words(conf); i++) {
        if (!span_equal(conf_word(conf, i), words[i]))
            return conf_fail(conf, i, NULL, "invalid parameter \"%.*s\"",
                             SPAN_ARG(conf_word(conf, i)));
    }
    return RC_OK;
}

const struct directive upstream_directives[] = {
    {"server", CONF_UPSTREAM, 1, CONF_MANY, true, .set = set_server,
     .doc = "A server of the group, with weight=, max_conns=, max_fails=, fail_timeout=, "
            "backup, down."},
    {"least_conn", CONF_UPSTREAM, 0, 0, true, .set = set_balance,
     .doc = "Chooses the server with the fewest requests in flight for its weight; equals "
            "take turns."},
    {"hash", CONF_UPSTREAM, 1, 2, true, .set = set_hash,
     .doc = "Chooses the server by a key: the same one for the same key; with consistent few "
            "keys change theirs when a server comes or goes."},
    {"ip_hash", CONF_UPSTREAM, 0, 0, true, .set = set_balance,
     .doc = "Chooses the server by the client's address: the first three octets of IPv4, the "
            "whole of IPv6."},
    {"random", CONF_UPSTREAM, 0, 2, true, .set = set_random,
     .doc =
         "Chooses the server by chance and weight; with two, the less busy of two such ones."},
    {"keepalive", CONF_UPSTREAM, 1, 2, .set = set_keepalive, .standard = "32",
     .doc = "How many idle connections to the group are kept for later requests; 0 for none."},
    {"keepalive_requests", CONF_UPSTREAM, 1, 1, .set = conf_set_number, AT(keepalive_requests),
     .standard = "1000",
     .doc = "How many requests one connection to a server of the group serves."},
    {"keepalive_time", CONF_UPSTREAM, 1, 1, .set = conf_set_milliseconds,
     AT(keepalive_time_ms), .standard = "1h",
     .doc = "How long one connection to a server of the group serves requests."},
    {"keepalive_timeout", CONF_UPSTREAM, 1, 1, .set = conf_set_milliseconds,
     AT(keepalive_timeout_ms), .standard = "60s",
     .doc = "How long a connection to a server of the group is kept idle."},
    {"zone", CONF_UPSTREAM, 1, 2, .set = conf_accept,
     .doc = "Accepted, of no effect: the state of servers is shared by all loops."},
    {0},
};
