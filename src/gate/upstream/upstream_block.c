#include "gate/upstream/upstream_block.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>

#include "base/units.h"
#include "gate/balance/balance.h"
#include "gate/conf/slot.h"
#include "gate/conf/value.h"
#include "gate/upstream/authority.h"
#include "gate/upstream/upstream_list.h"

#define AT(member) .offset = offsetof(struct upstream_settings, member)

enum { PORT = 80, WEIGHT_MAX = INT32_MAX, ROUTE_MAX = 32 };

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
    if (conf->version < CONF_VERSION(1, 29, 7))
        upstream->keepalive = 0;
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
    upstream_block_standards(conf, upstream);
    open_level(conf, &level, upstream);
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

static bool parse_seconds(struct span word, const char *name, uint64_t *ms)
{
    span_cut(&word, strlen(name));
    if (value_parse_seconds(word, ms) != RC_OK || *ms > INT64_MAX / 1000)
        return false;
    *ms *= 1000;
    return true;
}

static bool parse_milliseconds(struct span word, const char *name, uint64_t *ms)
{
    span_cut(&word, strlen(name));
    return value_parse_milliseconds(word, ms) == RC_OK;
}

/* It may become the value of a cookie. */
static bool is_route(struct span word)
{
    for (size_t i = 0; i < word.len; i++)
        if (word.at[i] <= ' ' || word.at[i] >= 0x7f || strchr("\",;\\", word.at[i]))
            return false;
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
        return parse_seconds(word, "fail_timeout=", &server->fail_timeout_ms);
    if (span_equal(word, SPAN("backup")))
        return server->backup = true;
    if (span_equal(word, SPAN("down")))
        return server->down = true;
    if (span_starts(word, SPAN("route="))) {
        span_cut(&word, strlen("route="));
        server->route = word;
        return word.len > 0 && word.len <= ROUTE_MAX && is_route(word);
    }
    if (span_equal(word, SPAN("drain")))
        return server->drain = true;
    if (span_starts(word, SPAN("slow_start=")))
        return parse_seconds(word, "slow_start=", &server->slow_start_ms);
    return false;
}

static bool is_service(struct span word)
{
    for (size_t i = 0; i < word.len; i++)
        if (!isalnum(word.at[i]) && !strchr("-_.", word.at[i]))
            return false;
    return word.len > 0 && word.len < 128;
}

static enum rc set_server(struct conf *conf, const struct directive *d, void *part)
{
    struct server_address server = {.weight = 1, .max_fails = 1, .fail_timeout_ms = 10000};
    const struct upstream_settings *u = part;
    struct span text = conf_word(conf, 1);
    struct span service = {0};
    struct authority authority;
    struct address literal;
    bool resolve = false;
    const char *wrong;

    (void)d;
    for (size_t i = 2; i < conf_words(conf); i++) {
        struct span word = conf_word(conf, i);

        if (span_equal(word, SPAN("resolve"))) {
            resolve = true;
            continue;
        }
        if (span_starts(word, SPAN("service="))) {
            service = word;
            span_cut(&service, strlen("service="));
            if (!is_service(service))
                return conf_fail(conf, i, NULL, "invalid parameter \"%.*s\"", SPAN_ARG(word));
            continue;
        }
        if (u->balance && !u->balance->has_backups &&
            (span_equal(word, SPAN("backup")) || span_starts(word, SPAN("slow_start="))))
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
    if (service.len > 0 && (!resolve || authority.port))
        return conf_fail(conf, 1, NULL,
                         authority.port
                             ? "service upstream \"%.*s\" may not have port"
                             : "service upstream \"%.*s\" requires \"resolve\" parameter",
                         SPAN_ARG(text));
    if (resolve && !authority.is_path &&
        address_from_literal(authority.host, PORT, &literal) != RC_OK)
        return authority_add_lookup(conf, text, &authority,
                                    authority.port ? authority.port : PORT, service, &server,
                                    part);
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
    u->keepalive_local = conf_words(conf) > 2;
    return RC_OK;
}

static enum rc set_zone(struct conf *conf, const struct directive *d, void *part)
{
    struct upstream_settings *u = part;

    if (u->zone)
        return conf_fail_value(conf, 0, "is duplicate");
    (void)d;
    return zones_share(conf, u->zones, &u->zone);
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

/* "bounded_load=1.25": in hundredths, 1.01 to 100. */
static bool parse_load(struct span word, uint64_t *percent)
{
    uint64_t whole, part = 0;
    struct span digits;

    span_cut(&word, strlen("bounded_load="));
    digits = span_cut(&word, span_find(word, '.'));
    if (units_parse_number(digits, 100, &whole) != RC_OK)
        return false;
    if (word.len > 0) {
        span_cut(&word, 1);
        if (word.len > 2 || units_parse_number(word, 99, &part) != RC_OK)
            return false;
        part *= word.len == 1 ? 10 : 1;
    }
    *percent = whole * 100 + part;
    return *percent > 100;
}

/* "hash KEY [consistent|maglev] [bounded_load=FACTOR]" */
static enum rc set_hash(struct conf *conf, const struct directive *d, void *part)
{
    struct upstream_settings *u = part;
    const char *name = "hash";
    enum rc rc = conf_template(conf, 1, conf_word(conf, 1), &u->balance_key);

    (void)d;
    if (rc != RC_OK)
        return rc;
    for (size_t i = 2; i < conf_words(conf); i++) {
        struct span word = conf_word(conf, i);

        if (span_equal(word, SPAN("consistent")))
            name = "hash consistent";
        else if (span_equal(word, SPAN("maglev")))
            name = "hash maglev";
        else if (i == 3 && !span_starts(word, SPAN("bounded_load=")))
            return conf_fail(conf, 0, NULL,
                             "invalid number of arguments in \"hash\" directive");
        else if (!span_starts(word, SPAN("bounded_load=")) ||
                 !parse_load(word, &u->load_percent))
            return conf_fail(conf, i, "consistent", "invalid parameter \"%.*s\"",
                             SPAN_ARG(word));
    }
    choose_balance(conf, u, name);
    return RC_OK;
}

/* A balancer whose name has several words: those of the directive, from the first one on. */
static enum rc set_by_words(struct conf *conf, const struct directive *d, void *part)
{
    char name[64];
    size_t len = 0;

    for (size_t i = 0; i < conf_words(conf) && len < sizeof name; i++)
        len += (size_t)snprintf(name + len, sizeof name - len, "%s%.*s", i ? " " : "",
                                SPAN_ARG(conf_word(conf, i)));
    if (len >= sizeof name || !balance_find(name))
        return conf_fail(conf, conf_words(conf) - 1, NULL, "invalid parameter \"%.*s\"",
                         SPAN_ARG(conf_word(conf, conf_words(conf) - 1)));
    (void)d;
    choose_balance(conf, part, name);
    return RC_OK;
}

/* "random [two [least_conn|least_time=header|least_time=last_byte|peak_ewma]]" */
static enum rc set_random(struct conf *conf, const struct directive *d, void *part)
{
    if (conf_words(conf) < 3 || !span_equal(conf_word(conf, 2), SPAN("least_conn")))
        return set_by_words(conf, d, part);
    if (!span_equal(conf_word(conf, 1), SPAN("two")))
        return conf_fail(conf, 1, NULL, "invalid parameter \"%.*s\"",
                         SPAN_ARG(conf_word(conf, 1)));
    choose_balance(conf, part, "random two");
    return RC_OK;
}

static enum rc set_sticky(struct conf *conf, const struct directive *d, void *part)
{
    struct upstream_settings *u = part;

    (void)d;
    return sticky_settings_parse(conf, u->zones, &u->sticky);
}

static bool parse_percent(struct span word, const char *name, uint64_t most, uint32_t *percent)
{
    span_cut(&word, strlen(name));
    if (word.len == 0 || word.at[word.len - 1] != '%')
        return false;
    return parse_count(span_of(word.at, word.len - 1), "", most, percent);
}

static bool parse_outlier(struct span word, struct outlier_settings *s)
{
    if (span_starts(word, SPAN("consecutive=")))
        return parse_count(word, "consecutive=", UINT32_MAX, &s->consecutive);
    if (span_starts(word, SPAN("success_rate=")))
        return parse_percent(word, "success_rate=", 100, &s->success_percent);
    if (span_starts(word, SPAN("latency=")))
        return parse_percent(word, "latency=", 1000000, &s->latency_percent) &&
               s->latency_percent > 100;
    if (span_starts(word, SPAN("interval=")))
        return parse_milliseconds(word, "interval=", &s->interval_ms) && s->interval_ms > 0;
    if (span_starts(word, SPAN("time=")))
        return parse_milliseconds(word, "time=", &s->time_ms) && s->time_ms > 0;
    return span_starts(word, SPAN("max=")) &&
           parse_percent(word, "max=", 100, &s->max_percent) && s->max_percent > 0;
}

/* "outlier_ejection [consecutive=5] [success_rate=80%] [latency=300%] [interval=10s] [time=30s] [max=50%]" */
static enum rc set_outliers(struct conf *conf, const struct directive *d, void *part)
{
    struct upstream_settings *u = part;

    (void)d;
    u->outliers = (struct outlier_settings){
        .consecutive = 5, .interval_ms = 10000, .time_ms = 30000, .max_percent = 50};
    for (size_t i = 1; i < conf_words(conf); i++)
        if (!parse_outlier(conf_word(conf, i), &u->outliers))
            return conf_fail(conf, i, NULL, "invalid parameter \"%.*s\"",
                             SPAN_ARG(conf_word(conf, i)));
    return RC_OK;
}

/* "queue NUMBER [timeout=TIME]" */
static enum rc set_queue(struct conf *conf, const struct directive *d, void *part)
{
    struct upstream_settings *u = part;
    struct span word = conf_word(conf, 1);

    if (units_parse_number(word, UINT32_MAX, &u->queue) != RC_OK || u->queue == 0)
        return conf_fail(conf, 1, NULL, "invalid value \"%.*s\" in \"%s\" directive",
                         SPAN_ARG(word), d->name);
    u->queue_timeout_ms = 60000;
    word = conf_word(conf, 2);
    if (conf_words(conf) > 2 && (!span_starts(word, SPAN("timeout=")) ||
                                 !parse_milliseconds(word, "timeout=", &u->queue_timeout_ms)))
        return conf_fail(conf, 2, "timeout=60s", "invalid parameter \"%.*s\"", SPAN_ARG(word));
    return RC_OK;
}

/* "retry_budget off" or "retry_budget PERCENT% [floor=NUMBER]" */
static enum rc set_retry_budget(struct conf *conf, const struct directive *d, void *part)
{
    struct upstream_settings *u = part;
    struct span word = conf_word(conf, 1);

    (void)d;
    u->retry_percent = u->retry_floor = 0;
    if (span_equal(word, SPAN("off")) && conf_words(conf) == 2)
        return RC_OK;
    if (word.len < 2 || word.at[word.len - 1] != '%' ||
        units_parse_number(span_of(word.at, word.len - 1), 1000, &u->retry_percent) != RC_OK)
        return conf_fail(conf, 1, "off, or 20% floor=10", "invalid parameter \"%.*s\"",
                         SPAN_ARG(word));
    u->retry_floor = 10;
    word = conf_word(conf, 2);
    if (conf_words(conf) > 2) {
        bool floor = span_starts(word, SPAN("floor="));

        span_cut(&word, strlen("floor="));
        if (!floor || units_parse_number(word, 1000000, &u->retry_floor) != RC_OK)
            return conf_fail(conf, 2, "floor=10", "invalid parameter \"%.*s\"",
                             SPAN_ARG(conf_word(conf, 2)));
    }
    return RC_OK;
}

const struct directive upstream_directives[] = {
    {"server", CONF_UPSTREAM, 1, CONF_MANY, true, .set = set_server,
     .doc =
         "A server of the group, with weight=, max_conns=, max_fails=, fail_timeout=, "
         "slow_start=, route=, backup, down, drain; with resolve its name is asked for again "
         "when its addresses have had their time, and with service= its SRV records are: with "
         "their weights, unless the line has one, and as backups all but those of the lowest "
         "priority. Its max_conns= holds for all loops together; after a reload, requests "
         "that "
         "the "
         "old worker still has are not counted."},
    {"least_conn", CONF_UPSTREAM, 0, 0, true, .set = set_balance,
     .doc = "Chooses the server with the fewest requests in flight for its weight; equals "
            "take turns."},
    {"hash", CONF_UPSTREAM, 1, 3, true, .set = set_hash,
     .doc =
         "Chooses the server by a key: the same one for the same key; with consistent few "
         "keys change theirs when a server comes or goes, with maglev likewise, and servers "
         "have equal shares of the keys. With bounded_load=1.25 no server has more than 1.25 "
         "times its share of the requests in flight: a key goes on to the next one."},
    {"ip_hash", CONF_UPSTREAM, 0, 0, true, .set = set_balance,
     .doc = "Chooses the server by the client's address: the first three octets of IPv4, the "
            "whole of IPv6."},
    {"least_time", CONF_UPSTREAM, 1, 2, true, .set = set_by_words,
     .doc =
         "Chooses the server with the lowest mean time to the head of an answer (header), or "
         "to its last byte (last_byte), and the fewest requests in flight, for its weight; "
         "with inflight, those that are not answered yet count by how long they have waited."},
    {"random", CONF_UPSTREAM, 0, 2, true, .set = set_random,
     .doc =
         "Chooses the server by chance and weight; with two, the less busy of two such ones "
         "(least_conn), or the faster one: by the head of its answers (least_time=header), "
         "by their last bytes (least_time=last_byte), or by a mean that follows a rise at "
         "once and a fall slowly (peak_ewma)."},
    {"sticky", CONF_UPSTREAM, 2, CONF_MANY, true, .set = set_sticky,
     .doc =
         "Keeps the requests of a session at one server, while that lives: by a cookie that "
         "names it (cookie NAME, with expires=, domain=, path=, secure, httponly, "
         "samesite=), by the route= of its line in one of some variables (route), or by what "
         "its answers create and later requests bring (learn create= lookup= zone=NAME:SIZE "
         "timeout=10m). A server that drains keeps its sessions."},
    {"outlier_ejection", CONF_UPSTREAM, 0, 6, .set = set_outliers,
     .doc =
         "Leaves a server that does worse than the others alone, for time=30s, longer each "
         "time: after consecutive=5 errors in a row, where fewer than success_rate= percent "
         "of its requests succeed in an interval=10s, or where it takes more than latency= "
         "percent of the others' mean; never more than max=50% of the servers at once. "
         "Errors are those of connections and answers of 500 and more."},
    {"queue", CONF_UPSTREAM, 1, 2, .set = set_queue,
     .doc =
         "How many requests wait, and how long (timeout=60s), when no server of the group may "
         "take one more; without it they are answered 502 at once."},
    {"retry_budget", CONF_UPSTREAM, 1, 2, .set = set_retry_budget,
     .doc = "How many requests may go on to another server of the group after a failure: a "
            "part of "
            "all requests, and floor=10 a second besides, or off for as many as "
            "proxy_next_upstream allows. Without it 20% and 10 a second; off where gate is "
            "called as nginx."},
    {"keepalive", CONF_UPSTREAM, 1, 2, .set = set_keepalive, .standard = "32 local",
     .doc = "How many idle connections to the group are kept for later requests: so many for "
            "each loop (worker_processes), and any loop uses any of them; 0 for none. With "
            "local, "
            "a location uses those alone that it opened itself."},
    {"keepalive_requests", CONF_UPSTREAM, 1, 1, .set = conf_set_number, AT(keepalive_requests),
     .standard = "1000",
     .doc = "How many requests one connection to a server of the group serves."},
    {"keepalive_time", CONF_UPSTREAM, 1, 1, .set = conf_set_milliseconds,
     AT(keepalive_time_ms), .standard = "1h",
     .doc = "How long one connection to a server of the group serves requests."},
    {"keepalive_timeout", CONF_UPSTREAM, 1, 1, .set = conf_set_milliseconds,
     AT(keepalive_timeout_ms), .standard = "60s",
     .doc = "How long a connection to a server of the group is kept idle."},
    {"resolver", CONF_UPSTREAM, 1, CONF_MANY, .set = resolver_settings_set, AT(resolver),
     .doc = "The name servers that are asked for the servers of the group, as in http."},
    {"resolver_timeout", CONF_UPSTREAM, 1, 1, .set = conf_set_milliseconds,
     AT(resolver.timeout_ms), .doc = "How long a name of the group may take to be found."},
    {"zone", CONF_UPSTREAM, 1, 2, true, .set = set_zone,
     .doc =
         "Names the shared memory for what is known of the group's servers: failures, "
         "ejections, health, slow starts, figures. All loops share that, and a reload and the "
         "death of a worker leave it as it is, for servers that are still there; without a "
         "zone too, with room for 64 servers, or twice as many as there are. SIZE may ask for "
         "more room."},
    {0},
};
