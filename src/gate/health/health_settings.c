#include "gate/health/health_settings.h"

#include "base/units.h"
#include "gate/conf/value.h"

enum { INTERVAL_MS = 5000, TIMEOUT_MS = 5000, COUNT_MAX = 1000000 };

void health_settings_enter(struct health_settings *s)
{
    s->check = NULL;
}

static bool cut_name(struct span *word, const char *name)
{
    if (!span_starts(*word, span_text(name)))
        return false;
    span_cut(word, strlen(name));
    return true;
}

static bool parse_time(struct span word, uint64_t *ms)
{
    return value_parse_milliseconds(word, ms) == RC_OK && *ms > 0;
}

static bool parse_count(struct span word, uint64_t *count)
{
    return units_parse_number(word, COUNT_MAX, count) == RC_OK && *count > 0;
}

static bool parse_port(struct span word, uint16_t *port)
{
    uint64_t number;

    if (units_parse_number(word, UINT16_MAX, &number) != RC_OK || number == 0)
        return false;
    *port = (uint16_t)number;
    return true;
}

static bool is_target(struct span uri)
{
    for (size_t i = 0; i < uri.len; i++)
        if (uri.at[i] <= ' ' || uri.at[i] == 0x7f)
            return false;
    return span_starts(uri, SPAN("/"));
}

static bool parse_word(struct span word, struct health_check *check)
{
    if (cut_name(&word, "interval="))
        return parse_time(word, &check->interval_ms);
    if (cut_name(&word, "jitter="))
        return value_parse_milliseconds(word, &check->jitter_ms) == RC_OK;
    if (cut_name(&word, "timeout="))
        return parse_time(word, &check->timeout_ms);
    if (cut_name(&word, "keepalive_time="))
        return parse_time(word, &check->keepalive_ms);
    if (cut_name(&word, "fails="))
        return parse_count(word, &check->fails);
    if (cut_name(&word, "passes="))
        return parse_count(word, &check->passes);
    if (cut_name(&word, "port="))
        return parse_port(word, &check->port);
    if (cut_name(&word, "match="))
        return (check->match_name = word).len > 0;
    if (cut_name(&word, "uri="))
        return is_target(check->uri = word);
    if (cut_name(&word, "type="))
        return (check->tcp = span_equal(word, SPAN("tcp"))) || span_equal(word, SPAN("http"));
    if (span_equal(word, SPAN("persistent")))
        return check->persistent = true;
    return span_equal(word, SPAN("mandatory")) && (check->mandatory = true);
}

/* "health_check [interval= jitter= fails= passes= uri= match= port= mandatory persistent type=tcp timeout= keepalive_time=]" */
static enum rc set_check(struct conf *conf, const struct directive *d, void *part)
{
    struct health_settings *s = part;
    struct health_check *check = arena_take(conf->arena, sizeof *check);

    (void)d;
    if (!check)
        return conf_no_memory(conf);
    *check = (struct health_check){
        .interval_ms = INTERVAL_MS,
        .timeout_ms = TIMEOUT_MS,
        .fails = 1,
        .passes = 1,
        .uri = SPAN("/"),
    };
    for (size_t i = 1; i < conf_words(conf); i++) {
        struct span word = conf_word(conf, i);

        if (span_starts(word, SPAN("type=grpc")))
            return conf_fail(conf, i, "type=http or type=tcp",
                             "gate asks origins by HTTP/1.1, and so has no \"%.*s\" of "
                             "\"health_check\"",
                             SPAN_ARG(word));
        if (!parse_word(word, check))
            return conf_fail(conf, i, NULL, "invalid parameter \"%.*s\"", SPAN_ARG(word));
    }
    if (check->persistent && !check->mandatory)
        return conf_fail(conf, 0, "health_check mandatory persistent",
                         "\"persistent\" of \"health_check\" goes with \"mandatory\" alone");
    s->check = check;
    return RC_OK;
}

/* "200", "200-399" */
static enum rc add_range(struct conf *conf, size_t i, struct match_test *test)
{
    struct span word = conf_word(conf, i), first = span_cut(&word, span_find(word, '-'));
    struct match_range *ranges = NULL, *range;
    uint64_t from, to;

    if (units_parse_number(first, 999, &from) != RC_OK)
        return conf_fail(conf, i, NULL, "invalid status \"%.*s\"",
                         SPAN_ARG(conf_word(conf, i)));
    to = from;
    if (word.len > 0) {
        span_cut(&word, 1);
        if (units_parse_number(word, 999, &to) != RC_OK || to < from)
            return conf_fail(conf, i, NULL, "invalid status \"%.*s\"",
                             SPAN_ARG(conf_word(conf, i)));
    }
    if (test->ranges_count > 0)
        memcpy(&ranges, &test->ranges, sizeof ranges);
    if (!(range = conf_add(conf, (void **)&ranges, &test->ranges_count, sizeof *range)))
        return RC_MEMORY;
    *range = (struct match_range){(uint16_t)from, (uint16_t)to};
    test->ranges = ranges;
    return RC_OK;
}

/* "status 200-399", "status ! 500 503" */
static enum rc parse_status(struct conf *conf, struct match_test *test)
{
    size_t first = 1;
    enum rc rc = RC_OK;

    test->what = MATCH_STATUS;
    test->negated = span_equal(conf_word(conf, 1), SPAN("!"));
    first += test->negated;
    if (first >= conf_words(conf))
        return conf_fail(conf, 0, "status 200-399", "no status in \"match\"");
    for (size_t i = first; i < conf_words(conf) && rc == RC_OK; i++)
        rc = add_range(conf, i, test);
    return rc;
}

/* "= VALUE", "!= VALUE", "~ REGEX", "!~ REGEX" at word i */
static enum rc parse_comparison(struct conf *conf, size_t i, struct match_test *test)
{
    struct span how = conf_word(conf, i);
    struct regex *regex;
    enum rc rc;

    if (conf_words(conf) != i + 2)
        return conf_fail(conf, 0, NULL, "invalid number of words in \"match\"");
    if (cut_name(&how, "!"))
        test->negated = true;
    if (span_equal(how, SPAN("="))) {
        test->value = conf_word(conf, i + 1);
        return RC_OK;
    }
    if (!span_equal(how, SPAN("~")) && !span_equal(how, SPAN("~*")))
        return conf_fail(conf, i, "=, !=, ~ or !~", "invalid comparison \"%.*s\"",
                         SPAN_ARG(conf_word(conf, i)));
    rc = conf_regex(conf, i + 1, conf_word(conf, i + 1), how.len == 2, &regex);
    test->regex = regex;
    return rc;
}

/* "header NAME", "header ! NAME", "header NAME = VALUE" */
static enum rc parse_header(struct conf *conf, struct match_test *test)
{
    test->what = MATCH_HEADER;
    test->name = conf_word(conf, 1);
    if (span_equal(test->name, SPAN("!")) && conf_words(conf) == 3) {
        test->negated = true;
        test->name = conf_word(conf, 2);
        return RC_OK;
    }
    if (conf_words(conf) == 2)
        return RC_OK;
    return parse_comparison(conf, 2, test);
}

static enum rc parse_line(struct conf *conf, struct match *match)
{
    struct span name = conf_word(conf, 0);
    struct match_test test = {0}, *tests = NULL, *made;
    enum rc rc;

    if (span_equal(name, SPAN("status")))
        rc = parse_status(conf, &test);
    else if (span_equal(name, SPAN("header")) && conf_words(conf) > 1)
        rc = parse_header(conf, &test);
    else if (span_equal(name, SPAN("body")) && conf_words(conf) == 3) {
        test.what = MATCH_BODY;
        match->wants_body = true;
        rc = parse_comparison(conf, 1, &test);
    } else
        return conf_fail(conf, 0, "status, header or body",
                         "unknown test \"%.*s\" in \"match\"", SPAN_ARG(name));
    if (rc != RC_OK)
        return rc;
    if (match->count > 0)
        memcpy(&tests, &match->tests, sizeof tests);
    if (!(made = conf_add(conf, (void **)&tests, &match->count, sizeof *made)))
        return RC_MEMORY;
    *made = test;
    match->tests = tests;
    return RC_OK;
}

static struct match *find_match(const struct matches *matches, struct span name)
{
    for (size_t i = 0; i < matches->count; i++)
        if (span_equal(matches->all[i].name, name))
            return &matches->all[i];
    return NULL;
}

/* "match NAME { ... }" */
static enum rc set_match(struct conf *conf, const struct directive *d, void *part)
{
    struct health_settings *s = part;
    const struct conf_node *block = conf->node;
    struct match made = {.name = conf_word(conf, 1)}, *slot;

    (void)d;
    if (find_match(s->matches, made.name))
        return conf_fail(conf, 1, NULL, "duplicate match \"%.*s\"", SPAN_ARG(made.name));
    for (conf->node = block->children; conf->node; conf->node = conf->node->next)
        (void)parse_line(conf, &made);
    conf->node = block;
    slot = conf_add(conf, (void **)&s->matches->all, &s->matches->count, sizeof *slot);
    if (!slot)
        return RC_MEMORY;
    *slot = made;
    return RC_OK;
}

enum rc health_settings_finish(struct conf *conf, const struct health_settings *s)
{
    struct health_check *check = s->check;

    if (!check || check->match_name.len == 0)
        return RC_OK;
    check->match = find_match(s->matches, check->match_name);
    return check->match ? RC_OK
                        : conf_fail(conf, 0, NULL, "match \"%.*s\" not found",
                                    SPAN_ARG(check->match_name));
}

const struct directive health_directives[] = {
    {"match", CONF_HTTP, 1, 1, true, CONF_VALUES, set_match,
     .doc = "What the answer of a healthy server looks like: status 200-399, status ! 500, "
            "header NAME, header NAME = VALUE or ~ EXPRESSION, body ~ EXPRESSION, or their "
            "negations with !; all must hold."},
    {"health_check", CONF_LOCATION, 0, CONF_MANY, .set = set_check,
     .doc =
         "Asks each server of the location's upstream every interval=5s (and up to jitter= "
         "more) for uri=/, at its own port or port=: after fails=1 in a row it gets no more "
         "requests, after passes=1 it does again, slowly with slow_start=. A status from 200 "
         "to 399 passes, or what match= says; with type=tcp a connection is enough. Each "
         "question has "
         "a connection of its own, or with keepalive_time= one serves for so long. A server "
         "has timeout=5s; with mandatory it gets no request before it has passed, after a "
         "reload too, unless persistent says that having passed before is enough."},
    {0},
};
