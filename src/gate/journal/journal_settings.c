#include "gate/journal/journal_settings.h"

#include "base/units.h"
#include "gate/conf/value.h"
#include "gate/journal/journal.h"

/* Bytes that are compressed together where nobody says how many. */
enum { GZIP_BUFFER = 64 * 1024 };

static const struct journal_format *find_format(const struct journal_formats *formats,
                                                struct span name)
{
    for (size_t i = 0; i < formats->count; i++) {
        if (span_equal(formats->all[i]->name, name))
            return formats->all[i];
    }
    return NULL;
}

/* Takes "escape=..." off the words from *first on. */
static enum rc parse_escape(struct conf *conf, size_t *first, enum journal_escape *escape)
{
    static const char *const names[] = {"default", "json", "none"};
    struct span word = conf_word(conf, *first);

    *escape = JOURNAL_ESCAPE_DEFAULT;
    if (!span_starts(word, SPAN("escape=")))
        return RC_OK;
    span_cut(&word, strlen("escape="));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (span_equal(word, span_text(names[i]))) {
            *escape = (enum journal_escape)i;
            ++*first;
            return RC_OK;
        }
    }
    return conf_fail(conf, *first, "one of: default, json, none",
                     "unknown log format escaping \"%.*s\"", SPAN_ARG(word));
}

/* The words from `first` on, joined without anything between them. */
static struct span join(struct conf *conf, size_t first)
{
    size_t len = 0;
    uint8_t *at, *end;

    for (size_t i = first; i < conf_words(conf); i++)
        len += conf_word(conf, i).len;
    at = end = arena_take(conf->arena, len + 1);
    for (size_t i = first; at && i < conf_words(conf); i++) {
        struct span word = conf_word(conf, i);

        if (word.len > 0)
            end = (uint8_t *)mempcpy(end, word.at, word.len);
    }
    return span_of(at, at ? len : 0);
}

static enum rc add_format(struct conf *conf, struct journal_formats *formats,
                          const struct journal_format *format)
{
    struct journal_format *kept = arena_take(conf->arena, sizeof *kept);
    const struct journal_format **slot =
        conf_add(conf, (void **)&formats->all, &formats->count, sizeof *slot);

    if (!kept || !slot)
        return RC_MEMORY;
    *kept = *format;
    *slot = kept;
    return RC_OK;
}

static enum rc set_log_format(struct conf *conf, const struct directive *d, void *part)
{
    struct journal_settings *s = part;
    struct journal_format format = {.name = conf_word(conf, 1)};
    size_t first = 2;
    struct span line;
    enum rc rc;

    (void)d;
    if (find_format(s->formats, format.name))
        return conf_fail(conf, 1, NULL, "duplicate \"log_format\" name \"%.*s\"",
                         SPAN_ARG(format.name));
    if ((rc = parse_escape(conf, &first, &format.escape)) != RC_OK)
        return rc;
    line = join(conf, first);
    if (!line.at)
        return conf_no_memory(conf);
    if ((rc = conf_template(conf, first, line, &format.line)) != RC_OK)
        return rc;
    return add_format(conf, s->formats, &format);
}

enum rc journal_settings_begin(struct conf *conf, struct journal_settings *s)
{
    struct journal_format format = {.name = SPAN(JOURNAL_COMBINED_NAME)};
    struct fault why = {0};

    if (template_compile(&format.line, SPAN(JOURNAL_COMBINED), conf->variables, conf->arena,
                         &why) != RC_OK) {
        faults_add(conf->faults, &(struct fault_place){0}, false, NULL, "%s", why.text);
        return RC_FORMAT;
    }
    return add_format(conf, s->formats, &format);
}

/* A file, "stderr" or "syslog:...", in the words of the directive that is being read. */
static enum rc add_file(struct conf *conf, size_t i, struct journal_settings *s,
                        bool may_stderr, struct journal_file **file)
{
    struct span target = conf_word(conf, i);
    struct fault why = {0};

    if (target.len == 0 || memchr(target.at, 0, target.len))
        return conf_fail_value(conf, i, "invalid value");
    if (!span_starts(target, SPAN("syslog:")) && !span_starts(target, SPAN("memory:")) &&
        !(may_stderr && span_equal(target, SPAN("stderr"))))
        target = conf_path(conf, conf->prefix, target);
    if (!target.at)
        return conf_no_memory(conf);
    if (journal_add(s->files, target, conf->arena, file, &why) != RC_OK)
        return conf_fail(conf, i, NULL, "%s", why.text);
    return RC_OK;
}

/* How lines are kept together; a size of 0: each is written at once. */
struct buffering {
    uint64_t size, flush_ms;
    int gzip_level;
};

static enum rc parse_gzip(struct conf *conf, size_t i, struct buffering *buffering)
{
    struct span word = conf_word(conf, i);

    if (buffering->size == 0)
        buffering->size = GZIP_BUFFER;
    buffering->gzip_level = 1;
    if (!span_starts(word, SPAN("gzip=")))
        return RC_OK;
    span_cut(&word, strlen("gzip="));
    if (word.len != 1 || word.at[0] < '1' || word.at[0] > '9')
        return conf_fail(conf, i, "1 to 9", "invalid compression level \"%.*s\"",
                         SPAN_ARG(word));
    buffering->gzip_level = word.at[0] - '0';
    return RC_OK;
}

static enum rc parse_parameter(struct conf *conf, size_t i, struct access_log *log,
                               struct buffering *buffering)
{
    struct span word = conf_word(conf, i);

    if (span_starts(word, SPAN("if="))) {
        span_cut(&word, strlen("if="));
        return conf_template(conf, i, word, &log->condition);
    }
    if (span_equal(word, SPAN("gzip")) || span_starts(word, SPAN("gzip=")))
        return parse_gzip(conf, i, buffering);
    if (span_starts(word, SPAN("buffer="))) {
        span_cut(&word, strlen("buffer="));
        if (value_parse_size(word, false, &buffering->size) == RC_OK && buffering->size > 0)
            return RC_OK;
        return conf_fail(conf, i, NULL, "invalid buffer size \"%.*s\"", SPAN_ARG(word));
    }
    if (span_starts(word, SPAN("flush="))) {
        span_cut(&word, strlen("flush="));
        if (value_parse_milliseconds(word, &buffering->flush_ms) == RC_OK &&
            buffering->flush_ms > 0)
            return RC_OK;
        return conf_fail(conf, i, NULL, "invalid flush time \"%.*s\"", SPAN_ARG(word));
    }
    return conf_fail(conf, i, NULL, "invalid parameter \"%.*s\"", SPAN_ARG(word));
}

static enum rc set_buffering(struct conf *conf, const struct access_log *log,
                             const struct buffering *buffering)
{
    enum rc rc;

    if (buffering->flush_ms > 0 && buffering->size == 0)
        return conf_fail(conf, 1, "buffer=32k", "no buffer is defined for access_log \"%.*s\"",
                         SPAN_ARG(conf_word(conf, 1)));
    if (buffering->size == 0)
        return RC_OK;
    if (!log->file)
        return conf_fail(conf, 1, NULL, "buffered logs cannot have variables in name");
    if (journal_is_syslog(log->file))
        return conf_fail(conf, 1, NULL, "logs to syslog cannot be buffered");
    rc = journal_buffer(log->file, buffering->size, buffering->flush_ms, buffering->gzip_level,
                        conf->arena);
    if (rc == RC_MEMORY)
        return conf_no_memory(conf);
    if (rc != RC_OK)
        return conf_fail(conf, 1, "say the same of it everywhere",
                         "access_log \"%.*s\" already defined with conflicting parameters",
                         SPAN_ARG(conf_word(conf, 1)));
    return RC_OK;
}

/* Room for one line of this context's own; what was inherited is left to others. */
static struct access_log *add_access(struct conf *conf, struct journal_settings *s)
{
    struct access_log *logs = NULL, *log;

    if (conf->again)
        memcpy(&logs, &s->access, sizeof logs);
    else
        s->access_count = 0;
    log = conf_add(conf, (void **)&logs, &s->access_count, sizeof *log);
    s->access = logs;
    return log;
}

/* "syslog:" has no variables. */
static bool is_varying(struct span path)
{
    return span_find(path, '$') < path.len && !span_starts(path, SPAN("syslog:"));
}

static enum rc set_access_log(struct conf *conf, const struct directive *d, void *part)
{
    struct journal_settings *s = part;
    struct span name = conf_words(conf) > 2 ? conf_word(conf, 2) : SPAN(JOURNAL_COMBINED_NAME);
    struct access_log made = {0}, *log;
    struct buffering buffering = {0};
    enum rc rc;

    (void)d;
    if (span_equal(conf_word(conf, 1), SPAN("off"))) {
        s->access_count = 0;
        s->access = NULL;
        return conf_words(conf) == 2
                   ? RC_OK
                   : conf_fail(conf, 2, NULL, "invalid parameter \"%.*s\"", SPAN_ARG(name));
    }
    if (is_varying(conf_word(conf, 1)))
        rc = conf_template(conf, 1, conf_path(conf, conf->prefix, conf_word(conf, 1)),
                           &made.path);
    else
        rc = add_file(conf, 1, s, false, &made.file);
    if (rc != RC_OK)
        return rc;
    made.format = find_format(s->formats, name);
    if (!made.format)
        return conf_fail(conf, 2, "a log_format stands before its first use",
                         "unknown log format \"%.*s\"", SPAN_ARG(name));
    for (size_t i = 3; i < conf_words(conf); i++) {
        if ((rc = parse_parameter(conf, i, &made, &buffering)) != RC_OK)
            return rc;
    }
    if ((rc = set_buffering(conf, &made, &buffering)) != RC_OK)
        return rc;
    log = add_access(conf, s);
    if (!log)
        return RC_MEMORY;
    *log = made;
    return RC_OK;
}

static enum rc parse_paths(struct conf *conf, size_t i, struct path_cache_limits *limits)
{
    struct span word = conf_word(conf, i), name = span_cut(&word, span_find(word, '='));
    enum rc rc = RC_FORMAT;

    span_cut(&word, 1);
    if (span_equal(name, SPAN("max")))
        rc = units_parse_number(word, PATH_CACHE_MAX, &limits->max);
    else if (span_equal(name, SPAN("min_uses")))
        rc = units_parse_number(word, UINT32_MAX, &limits->min_uses);
    else if (span_equal(name, SPAN("inactive")))
        rc = value_parse_seconds(word, &limits->inactive_ms);
    else if (span_equal(name, SPAN("valid")))
        rc = value_parse_seconds(word, &limits->valid_ms);
    return rc == RC_OK
               ? RC_OK
               : conf_fail(conf, i, "max=NUMBER, inactive=TIME, valid=TIME, min_uses=NUMBER",
                           "invalid \"open_log_file_cache\" parameter \"%.*s\"",
                           SPAN_ARG(conf_word(conf, i)));
}

static enum rc set_paths(struct conf *conf, const struct directive *d, void *part)
{
    struct journal_settings *s = part;
    struct path_cache_limits limits = {.inactive_ms = 10, .valid_ms = 60, .min_uses = 1};
    enum rc rc;

    (void)d;
    s->paths = NULL;
    if (conf_words(conf) == 2 && span_equal(conf_word(conf, 1), SPAN("off")))
        return RC_OK;
    for (size_t i = 1; i < conf_words(conf); i++)
        if ((rc = parse_paths(conf, i, &limits)) != RC_OK)
            return rc;
    if (limits.max == 0)
        return conf_fail(conf, 0, "max=NUMBER",
                         "\"open_log_file_cache\" must have \"max\" parameter");
    limits.inactive_ms *= 1000;
    limits.valid_ms *= 1000;
    s->paths = journal_add_paths(s->files, &limits, conf->arena);
    return s->paths ? RC_OK : conf_no_memory(conf);
}

/* emerg .. debug; debug_http and its like count as debug. */
static int find_level(struct span word)
{
    for (int level = LOG_LEVEL_EMERG; level <= LOG_LEVEL_DEBUG; level++) {
        if (span_equal(word, span_text(log_level_name((enum log_level)level))))
            return level;
    }
    return span_starts(word, SPAN("debug_")) ? LOG_LEVEL_DEBUG : -1;
}

static enum rc parse_level(struct conf *conf, enum log_level *level)
{
    *level = LOG_LEVEL_ERROR;
    for (size_t i = 2; i < conf_words(conf); i++) {
        int found = find_level(conf_word(conf, i));

        if (found < 0)
            return conf_fail(conf, i,
                             "one of: debug, info, notice, warn, error, crit, alert, emerg",
                             "invalid log level \"%.*s\"", SPAN_ARG(conf_word(conf, i)));
        if (i > 2 && found != LOG_LEVEL_DEBUG)
            return conf_fail(conf, i, NULL, "duplicate log level \"%.*s\"",
                             SPAN_ARG(conf_word(conf, i)));
        *level = (enum log_level)found;
    }
    return RC_OK;
}

static struct error_log *add_error(struct conf *conf, struct journal_settings *s)
{
    struct error_log *logs = NULL, *log;

    if (conf->again)
        memcpy(&logs, &s->error, sizeof logs);
    else
        s->error_count = 0;
    log = conf_add(conf, (void **)&logs, &s->error_count, sizeof *log);
    s->error = logs;
    return log;
}

static enum rc set_error_log(struct conf *conf, const struct directive *d, void *part)
{
    struct journal_settings *s = part;
    struct error_log made = {0}, *log;
    enum rc rc;

    (void)d;
    if ((rc = add_file(conf, 1, s, true, &made.file)) != RC_OK ||
        (rc = parse_level(conf, &made.level)) != RC_OK)
        return rc;
    log = add_error(conf, s);
    if (!log)
        return RC_MEMORY;
    *log = made;
    return RC_OK;
}

/* As if the directive `name` stood with that target. */
static enum rc set_standard(struct conf *conf, struct journal_settings *s, const char *name,
                            const char *target,
                            enum rc (*set)(struct conf *, const struct directive *, void *))
{
    static const struct conf_file file = {.name = "standard"};
    struct conf_word words[] = {{.text = span_text(name)}, {.text = span_text(target)}};
    struct conf_node node = {.file = &file, .words = words, .count = 2};
    const struct conf_node *before = conf->node;
    enum rc rc;

    conf->node = &node;
    conf->again = false;
    rc = set(conf, NULL, s);
    conf->node = before;
    return rc;
}

enum rc journal_settings_access(struct conf *conf, struct journal_settings *s,
                                const char *target)
{
    return target ? set_standard(conf, s, "access_log", target, set_access_log) : RC_OK;
}

enum rc journal_settings_error(struct conf *conf, struct journal_settings *s,
                               const char *target)
{
    return target ? set_standard(conf, s, "error_log", target, set_error_log) : RC_OK;
}

const struct directive journal_directives[] = {
    {"access_log", CONF_ALL_HTTP | CONF_IF | CONF_LIMIT_EXCEPT, 1, CONF_MANY, true,
     .set = set_access_log,
     .doc = "A file that gets one line for each request, and the format of the line; if=VALUE "
            "writes it where the value is neither empty nor 0; buffer=SIZE keeps lines until "
            "there are so many bytes of them, flush=TIME no longer than that, and gzip[=1-9] "
            "compresses them; variables in the path make it a file of each request's own; off "
            "for none."},
    {"log_format", CONF_HTTP, 2, CONF_MANY, true, .set = set_log_format,
     .doc = "Names a form for the lines of access logs."},
    {"error_log", CONF_MAIN | CONF_ALL_HTTP, 1, CONF_MANY, true, .set = set_error_log,
     .doc = "A file for what goes wrong, and the least level that is written there."},
    {"open_log_file_cache", CONF_ALL_HTTP, 1, 4, .set = set_paths,
     .doc = "Keeps logs with variables in their paths open: max=NUMBER of them, min_uses=1 "
            "lines before one stays open, inactive=10s without a line, valid=60s until the "
            "path is looked at again."},
    {0},
};
