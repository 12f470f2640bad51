#include "gate/conf/directive.h"

#include <stdio.h>

#include "base/options.h"
#include "base/units.h"
#include "gate/conf/hint.h"
#include "gate/conf/regex.h"

struct span conf_word(const struct conf *conf, size_t i)
{
    return i < conf->node->count ? conf->node->words[i].text : (struct span){0};
}

size_t conf_words(const struct conf *conf)
{
    return conf->node->count;
}

static struct fault_place place_of(const struct conf *conf, size_t i)
{
    struct fault_place place = conf_place(conf->node, i);

    if (conf->ended) {
        place.end_line = conf->node->close_line;
        place.order = conf->node->close_order;
    }
    if (conf->joined)
        place.end_line = 0;
    return place;
}

enum rc conf_fail(struct conf *conf, size_t i, const char *hint, const char *format, ...)
{
    struct fault_place place = place_of(conf, i);
    char text[1024], room[HINT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    faults_add(conf->faults, &place, false, hint ? hint : hint_for_value(conf, text, room),
               "%s", text);
    return RC_FORMAT;
}

enum rc conf_fail_value(struct conf *conf, size_t i, const char *problem)
{
    return conf_fail(conf, i, NULL, "\"%.*s\" directive %s", SPAN_ARG(conf_word(conf, 0)),
                     problem);
}

void conf_warn(struct conf *conf, size_t i, const char *hint, const char *format, ...)
{
    struct fault_place place = place_of(conf, i);
    va_list args;

    va_start(args, format);
    faults_vadd(conf->faults, &place, true, hint, format, args);
    va_end(args);
}

enum rc conf_no_memory(struct conf *conf)
{
    return conf_fail(conf, 0, NULL, "no memory for the configuration");
}

enum rc conf_template(struct conf *conf, size_t i, struct span text, struct template *t)
{
    struct fault why = {0};

    if (template_compile(t, text, conf->variables, conf->arena, &why) == RC_OK)
        return RC_OK;
    return conf_fail(conf, i, NULL, "%s", why.text);
}

/* A named group may not have the name of a variable of gate's own. */
static enum rc check_groups(struct conf *conf, size_t i, const struct regex *regex)
{
    struct span name;

    for (size_t group = 0; (name = regex_group_name(regex, group)).len > 0; group++)
        for (const struct variable *v = conf->variables->rows; v && v->name; v++)
            if (span_equal_nocase(span_text(v->name), name))
                return conf_fail(conf, i, "gate itself has one of that name",
                                 "the duplicate \"%.*s\" variable", SPAN_ARG(name));
    return RC_OK;
}

enum rc conf_regex(struct conf *conf, size_t i, struct span pattern, bool nocase,
                   struct regex **regex)
{
    struct conf_regex *link = arena_take(conf->arena, sizeof *link);
    struct fault why = {0};

    if (!link)
        return conf_no_memory(conf);
    if (regex_open(&link->regex, pattern, nocase, &why) != RC_OK)
        return conf_fail(conf, i, NULL, "%s", why.text);
    link->next = *conf->regexes;
    *conf->regexes = link;
    *regex = link->regex;
    return conf->variables ? check_groups(conf, i, link->regex) : RC_OK;
}

struct span conf_path(struct conf *conf, const char *base, struct span path)
{
    bool absolute = path.len > 0 && path.at[0] == '/';

    return span_text(
        arena_printf(conf->arena, "%s%.*s", absolute ? "" : base, SPAN_ARG(path)));
}

enum rc conf_set_folder(struct conf *conf, const char **path, uint8_t levels[3])
{
    enum { DIGITS = 10 }; /* of a file's name */
    struct conf_folder *folder = arena_take(conf->arena, sizeof *folder);
    uint64_t level, left = DIGITS;

    for (size_t i = 2; i < conf_words(conf); i++) {
        if (units_parse_number(conf_word(conf, i), left, &level) != RC_OK || level == 0)
            return conf_fail_value(conf, i, "invalid value");
        left -= level;
        if (levels)
            levels[i - 2] = (uint8_t)level;
    }
    *path = (const char *)conf_path(conf, conf->prefix, conf_word(conf, 1)).at;
    if (!folder || !*path)
        return conf_no_memory(conf);
    *folder = (struct conf_folder){.next = *conf->folders, .path = *path};
    *conf->folders = folder;
    return RC_OK;
}

void *conf_add(struct conf *conf, void **items, size_t *count, size_t size)
{
    if ((*count & (*count - 1)) == 0) { /* 0 or a power of two: full */
        void *more = arena_take_array(conf->arena, *count ? 2 * *count : 1, size);

        if (!more) {
            (void)conf_no_memory(conf);
            return NULL;
        }
        if (*count > 0)
            memcpy(more, *items, *count * size);
        *items = more;
    }
    return (uint8_t *)*items + (*count)++ * size;
}

const struct directive *conf_find(const struct conf_language *language, struct span name,
                                  unsigned context, size_t *table, size_t *row)
{
    const struct directive *elsewhere = NULL;

    for (size_t t = 0; t < language->count; t++) {
        for (size_t r = 0; language->tables[t][r].name; r++) {
            const struct directive *d = &language->tables[t][r];

            if (!span_equal(span_text(d->name), name))
                continue;
            if (d->contexts & context) {
                *table = t;
                *row = r;
                return d;
            }
            elsewhere = d;
        }
    }
    return elsewhere;
}

const char *conf_name_at(size_t i, const void *of)
{
    const struct conf_language *language = of;

    for (size_t t = 0; t < language->count; t++) {
        for (const struct directive *d = language->tables[t]; d->name; d++) {
            if (i-- == 0)
                return d->name;
        }
    }
    return NULL;
}

static void unknown(struct conf *conf)
{
    struct span name = conf_word(conf, 0);
    const char *advice = conf->language->advice(name);
    char word[64], hint[128];
    const char *near = NULL;

    if (span_equal(name, SPAN("include"))) { /* in its right form it is gone by now */
        (void)conf_fail(conf, 0, NULL,
                        conf->node->block
                            ? "directive \"include\" is not terminated by \";\""
                            : "invalid number of arguments in \"include\" directive");
        return;
    }
    if (conf->language->is_missing(name)) {
        (void)conf_fail(conf, 0, advice,
                        "\"%.*s\" is a directive of nginx that gate does not have%s",
                        SPAN_ARG(name), advice ? "" : " yet");
        return;
    }
    if (!advice)
        advice = hint_for_name(name);
    if (!advice && name.len < sizeof word && !memchr(name.at, 0, name.len)) {
        snprintf(word, sizeof word, "%.*s", SPAN_ARG(name));
        near = options_nearest(word, conf_name_at, conf->language);
    }
    if (near) {
        snprintf(hint, sizeof hint, "did you mean \"%s\"?", near);
        advice = hint;
    }
    (void)conf_fail(conf, 0, advice, "unknown directive \"%.*s\"", SPAN_ARG(name));
}

void conf_contexts(unsigned contexts, struct buffer *out)
{
    static const char *const names[] = {"main",         "events",         "http",
                                        "server",       "location",       "upstream",
                                        "if in server", "if in location", "limit_except"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!(contexts & 1u << i))
            continue;
        if (out->len > 0)
            buffer_add_text(out, ", ");
        buffer_add_text(out, names[i]);
    }
}

/* All contexts that any row of that name has. */
static unsigned contexts_of(const struct conf_language *language, struct span name)
{
    unsigned contexts = 0;

    for (size_t t = 0; t < language->count; t++) {
        for (const struct directive *d = language->tables[t]; d->name; d++)
            contexts |= span_equal(span_text(d->name), name) ? d->contexts : 0;
    }
    return contexts;
}

static void misplaced(struct conf *conf)
{
    struct span name = conf_word(conf, 0);
    char room[112], hint[160];
    struct buffer names = buffer_over(room, sizeof room);

    conf_contexts(contexts_of(conf->language, name), &names);
    snprintf(hint, sizeof hint, "it belongs in: %.*s", SPAN_ARG(buffer_span(&names)));
    (void)conf_fail(conf, 0, hint, "\"%.*s\" directive is not allowed here", SPAN_ARG(name));
}

static bool has_form(const struct directive *d, const struct conf_node *node)
{
    return node->block == (d->kind != CONF_PLAIN) && node->count - 1 >= d->least &&
           (d->most == CONF_MANY || node->count - 1 <= d->most);
}

/* What nginx checks before it looks at values, in its order. */
static enum rc check_form(struct conf *conf, const struct directive *d)
{
    const struct conf_node *node = conf->node;
    const char *name = d->name;
    char room[HINT_MAX];

    if (node->block && d->kind == CONF_PLAIN)
        return conf_fail(conf, 0, "a ';' ends it; has the line before it one?",
                         "directive \"%s\" is not terminated by \";\"", name);
    if (!node->block && d->kind != CONF_PLAIN)
        return conf_fail(conf, 0, NULL, "directive \"%s\" has no opening \"{\"", name);
    if (!has_form(d, node))
        return conf_fail(conf, 0, hint_for_count(conf, d, room),
                         "invalid number of arguments in \"%s\" directive", name);
    if (conf->again && !d->repeats)
        return conf_fail_value(conf, 0, "is duplicate");
    return RC_OK;
}

/* One node of a walk; contexts are left for later. */
static void read_plain(struct conf *conf)
{
    size_t table = 0, row = 0;
    const struct directive *d =
        conf_find(conf->language, conf_word(conf, 0), conf->level->context, &table, &row);

    if (!d) {
        unknown(conf);
        return;
    }
    if (!(d->contexts & conf->level->context)) {
        misplaced(conf);
        return;
    }
    conf->again = conf->level->seen[table][row];
    conf->level->seen[table][row] = true;
    if (check_form(conf, d) == RC_OK && d->kind != CONF_CONTEXT)
        (void)d->set(conf, d, conf->level->parts[table]);
    conf->ended = false;
}

static void read_context(struct conf *conf)
{
    size_t table = 0, row = 0;
    const struct directive *d =
        conf_find(conf->language, conf_word(conf, 0), conf->level->context, &table, &row);

    if (d && d->kind == CONF_CONTEXT && (d->contexts & conf->level->context) &&
        has_form(d, conf->node))
        (void)d->set(conf, d, conf->level->parts[table]);
    conf->ended = false;
}

void conf_walk(struct conf *conf, struct conf_level *level, const struct conf_node *nodes)
{
    struct conf_level *outer = conf->level;
    const struct conf_node *before = conf->node;

    conf->level = level;
    for (conf->node = nodes; conf->node; conf->node = conf->node->next)
        read_plain(conf);
    for (const struct conf_node *node = nodes; node; node = node->next) {
        conf->node = node;
        conf->again = false;
        read_context(conf);
    }
    conf->level = outer;
    conf->node = before;
}

/* "NAME WORD WORD ...": the words of d->standard, which has no quotes. */
static void read_standard(struct conf *conf, const struct directive *d, void *part)
{
    static const struct conf_file file = {.name = "standard"};
    struct conf_word words[8] = {{.text = span_text(d->name)}};
    struct conf_node node = {.file = &file, .words = words, .count = 1};
    struct span rest = span_text(d->standard);

    while (rest.len > 0 && node.count < sizeof words / sizeof *words) {
        words[node.count++].text = span_cut(&rest, span_find(rest, ' '));
        span_cut(&rest, 1);
    }
    conf->node = &node;
    conf->again = false;
    (void)d->set(conf, d, part);
    conf->node = NULL;
}

void conf_standards(struct conf *conf, struct conf_level *level)
{
    struct conf_level *outer = conf->level;
    const struct conf_node *before = conf->node;

    conf->level = level;
    for (size_t t = 0; t < conf->language->count; t++) {
        for (const struct directive *d = conf->language->tables[t]; d->name; d++) {
            if (d->standard && level->parts[t])
                read_standard(conf, d, level->parts[t]);
        }
    }
    conf->level = outer;
    conf->node = before;
}
