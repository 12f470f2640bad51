#include "gate/limit/limit_settings.h"

#include <stddef.h>

#include "base/log.h"
#include "base/units.h"
#include "gate/conf/slot.h"
#include "gate/conf/value.h"

#define AT(member) .offset = offsetof(struct limit_settings, member)
#define PLACE CONF_ALL_HTTP

enum { ONE = 1000, COUNT_MAX = 65535 };

static const struct conf_choice levels[] = {
    {"info", LOG_LEVEL_INFO},
    {"notice", LOG_LEVEL_NOTICE},
    {"warn", LOG_LEVEL_WARN},
    {"error", LOG_LEVEL_ERROR},
    {0},
};

/* "rate=10r/s", "rate=30r/m": in thousandths of a request a second. */
static bool parse_rate(struct span word, uint64_t *rate)
{
    struct span digits;
    uint64_t number, scale = 1;

    if (!span_starts(word, SPAN("rate=")))
        return false;
    span_cut(&word, strlen("rate="));
    digits = span_cut(&word, span_find(word, 'r'));
    if (span_equal(word, SPAN("r/m")))
        scale = 60;
    else if (!span_equal(word, SPAN("r/s")))
        return false;
    if (units_parse_number(digits, UINT32_MAX, &number) != RC_OK || number == 0)
        return false;
    *rate = number * ONE / scale;
    return *rate > 0;
}

/* "KEY zone=NAME:SIZE" */
static enum rc define_zone(struct conf *conf, struct limit_settings *s, enum zone_kind kind,
                           size_t word, struct zone_line **line)
{
    struct template key;
    enum rc rc = conf_template(conf, 1, conf_word(conf, 1), &key);

    if (rc == RC_OK)
        rc = zones_define(conf, s->zones, word, "zone=", kind, line);
    if (rc == RC_OK)
        (*line)->key = key;
    return rc;
}

/* "limit_req_zone KEY zone=NAME:SIZE rate=RATE" */
static enum rc set_req_zone(struct conf *conf, const struct directive *d, void *part)
{
    struct zone_line *line = NULL;
    uint64_t rate = ONE;
    size_t zone = 0;
    enum rc rc;

    for (size_t i = 2; i < conf_words(conf); i++) {
        struct span word = conf_word(conf, i);

        if (span_starts(word, SPAN("zone=")))
            zone = i;
        else if (span_starts(word, SPAN("rate=")) && !parse_rate(word, &rate))
            return conf_fail(conf, i, "rate=10r/s or rate=30r/m", "invalid rate \"%.*s\"",
                             SPAN_ARG(word));
        else if (!span_starts(word, SPAN("rate=")))
            return conf_fail(conf, i, NULL, "invalid parameter \"%.*s\"", SPAN_ARG(word));
    }
    if (zone == 0)
        return conf_fail(conf, 0, "zone=NAME:SIZE", "\"%s\" must have \"zone\" parameter",
                         d->name);
    rc = define_zone(conf, part, ZONE_LIMIT_REQ, zone, &line);
    if (rc == RC_OK)
        line->rate = rate;
    return rc;
}

/* "limit_conn_zone KEY zone=NAME:SIZE" */
static enum rc set_conn_zone(struct conf *conf, const struct directive *d, void *part)
{
    struct zone_line *line;

    (void)d;
    if (!span_starts(conf_word(conf, 2), SPAN("zone=")))
        return conf_fail(conf, 2, NULL, "invalid parameter \"%.*s\"",
                         SPAN_ARG(conf_word(conf, 2)));
    return define_zone(conf, part, ZONE_LIMIT_CONN, 2, &line);
}

static bool parse_thousandths(struct span word, const char *name, uint64_t *value)
{
    span_cut(&word, strlen(name));
    if (units_parse_number(word, UINT32_MAX, value) != RC_OK || *value == 0)
        return false;
    *value *= ONE;
    return true;
}

static enum rc parse_req(struct conf *conf, struct limit_settings *s,
                         struct limit_req_line *made)
{
    for (size_t i = 1; i < conf_words(conf); i++) {
        struct span word = conf_word(conf, i), name = word;

        if (span_starts(word, SPAN("zone="))) {
            span_cut(&name, strlen("zone="));
            if (!(made->zone = zones_get(conf, s->zones, i, name, ZONE_LIMIT_REQ)))
                return RC_FORMAT;
        } else if (span_equal(word, SPAN("nodelay"))) {
            made->delay = UINT64_MAX;
        } else if (span_starts(word, SPAN("burst="))) {
            if (!parse_thousandths(word, "burst=", &made->burst))
                return conf_fail(conf, i, NULL, "invalid burst value \"%.*s\"",
                                 SPAN_ARG(word));
        } else if (span_starts(word, SPAN("delay="))) {
            if (!parse_thousandths(word, "delay=", &made->delay))
                return conf_fail(conf, i, NULL, "invalid delay value \"%.*s\"",
                                 SPAN_ARG(word));
        } else {
            return conf_fail(conf, i, NULL, "invalid parameter \"%.*s\"", SPAN_ARG(word));
        }
    }
    return RC_OK;
}

/* "limit_req zone=NAME [burst=N] [nodelay|delay=N]" */
static enum rc set_req(struct conf *conf, const struct directive *d, void *part)
{
    struct limit_settings *s = part;
    struct limit_req_line made = {0}, *lines = NULL, *line;
    enum rc rc = parse_req(conf, s, &made);

    if (rc != RC_OK)
        return rc;
    if (!made.zone)
        return conf_fail(conf, 0, NULL, "\"%s\" must have \"zone\" parameter", d->name);
    if (conf->again)
        memcpy(&lines, &s->reqs, sizeof lines);
    else
        s->reqs_count = 0;
    for (size_t i = 0; i < s->reqs_count; i++)
        if (lines[i].zone == made.zone)
            return conf_fail_value(conf, 0, "is duplicate");
    if (!(line = conf_add(conf, (void **)&lines, &s->reqs_count, sizeof *line)))
        return RC_MEMORY;
    *line = made;
    s->reqs = lines;
    return RC_OK;
}

/* "limit_conn NAME NUMBER" */
static enum rc set_conn(struct conf *conf, const struct directive *d, void *part)
{
    struct limit_settings *s = part;
    struct limit_conn_line *lines = NULL, *line;
    uint64_t most;
    const struct zone_line *zone =
        zones_get(conf, s->zones, 1, conf_word(conf, 1), ZONE_LIMIT_CONN);

    (void)d;
    if (!zone)
        return RC_FORMAT;
    if (units_parse_number(conf_word(conf, 2), UINT32_MAX, &most) != RC_OK || most == 0)
        return conf_fail(conf, 2, NULL, "invalid number of connections \"%.*s\"",
                         SPAN_ARG(conf_word(conf, 2)));
    if (most > COUNT_MAX)
        return conf_fail(conf, 2, NULL, "connection limit must be less 65536");
    if (conf->again)
        memcpy(&lines, &s->conns, sizeof lines);
    else
        s->conns_count = 0;
    for (size_t i = 0; i < s->conns_count; i++)
        if (lines[i].zone == zone)
            return conf_fail_value(conf, 0, "is duplicate");
    if (!(line = conf_add(conf, (void **)&lines, &s->conns_count, sizeof *line)))
        return RC_MEMORY;
    *line = (struct limit_conn_line){zone, (uint32_t)most};
    s->conns = lines;
    return RC_OK;
}

static enum rc set_status(struct conf *conf, const struct directive *d, void *part)
{
    enum rc rc = conf_set_number(conf, d, part);
    const uint64_t *status = (const uint64_t *)((const char *)part + d->offset);

    if (rc == RC_OK && (*status < 400 || *status > 599))
        return conf_fail(conf, 1, NULL, "value must be between 400 and 599");
    return rc;
}

/* A size, or variables that make one. */
static enum rc set_rate(struct conf *conf, const struct directive *d, void *part)
{
    uint64_t size;

    if (span_find(conf_word(conf, 1), '$') == conf_word(conf, 1).len &&
        value_parse_size(conf_word(conf, 1), false, &size) != RC_OK)
        return conf_fail_value(conf, 1, "invalid value");
    return conf_set_template(conf, d, part);
}

const struct directive limit_directives[] = {
    {"limit_req_zone", CONF_HTTP, 2, 3, true, .set = set_req_zone,
     .doc = "A zone in memory that counts the requests of each key: zone=NAME:SIZE, and the "
            "rate that limit_req holds them to: rate=10r/s or rate=30r/m."},
    {"limit_req", PLACE, 1, 3, true, .set = set_req,
     .doc = "Holds requests to the rate of zone=NAME: up to burst= more wait for their time, "
            "or go on at once with nodelay, or the first delay= of them do; the others are "
            "refused."},
    {"limit_req_status", PLACE, 1, 1, .set = set_status, AT(req_status), .standard = "503",
     .doc = "The status of requests that limit_req refuses."},
    {"limit_req_log_level", PLACE, 1, 1, .set = conf_set_choice, AT(req_log_level),
     .of = levels, .standard = "error",
     .doc = "The level at which refusals are logged; delays are logged one level below."},
    {"limit_req_dry_run", PLACE, 1, 1, .set = conf_set_flag, AT(req_dry_run),
     .standard = "off", .doc = "Counts and logs, and refuses and delays nothing."},
    {"limit_conn_zone", CONF_HTTP, 2, 2, true, .set = set_conn_zone,
     .doc =
         "A zone in memory, zone=NAME:SIZE, that counts the requests of each key that are in "
         "work."},
    {"limit_conn", PLACE, 2, 2, true, .set = set_conn,
     .doc = "How many requests of a key of that zone may be in work at once."},
    {"limit_conn_status", PLACE, 1, 1, .set = set_status, AT(conn_status), .standard = "503",
     .doc = "The status of requests that limit_conn refuses."},
    {"limit_conn_log_level", PLACE, 1, 1, .set = conf_set_choice, AT(conn_log_level),
     .of = levels, .standard = "error", .doc = "The level at which its refusals are logged."},
    {"limit_conn_dry_run", PLACE, 1, 1, .set = conf_set_flag, AT(conn_dry_run),
     .standard = "off", .doc = "Counts and logs, and refuses nothing."},
    {"limit_rate", PLACE | CONF_IF, 1, 1, .set = set_rate, AT(rate), .standard = "0",
     .doc = "How many bytes a second of an answer a client is sent; 0 for any."},
    {"limit_rate_after", PLACE | CONF_IF, 1, 1, .set = set_rate, AT(rate_after),
     .standard = "0", .doc = "How many bytes of an answer are sent before limit_rate holds."},
    {0},
};
