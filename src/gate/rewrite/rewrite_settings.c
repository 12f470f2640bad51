#include "gate/rewrite/rewrite_settings.h"

#include <ctype.h>
#include <stddef.h>

#include "base/units.h"
#include "gate/conf/slot.h"

#define AT(member) .offset = offsetof(struct rewrite_settings, member)

enum { CODE_MAX = 999 };

void rewrite_settings_enter(struct rewrite_settings *s)
{
    s->codes = NULL;
    s->count = 0;
}

static enum rc add_code(struct conf *conf, struct rewrite_settings *s,
                        const struct rewrite_code *made)
{
    struct rewrite_code *all = NULL, *code;

    memcpy(&all, &s->codes, sizeof all);
    if (!(code = conf_add(conf, (void **)&all, &s->count, sizeof *code)))
        return RC_MEMORY;
    *code = *made;
    code->order = conf->node->order;
    s->codes = all;
    return RC_OK;
}

/* ---- set ---- */

/* The variable of that name as rewrite_code.variable. */
static enum rc find_variable(struct conf *conf, struct span name, uintptr_t *variable)
{
    const struct variables *known = conf->variables;

    *variable = REWRITE_VARIABLE_ARGS;
    if (span_equal_nocase(name, SPAN("args")))
        return RC_OK;
    for (size_t i = 0; i < known->defined_count; i++) {
        *variable = known->defined[i].of;
        if (span_equal_nocase(span_text(known->defined[i].name), name))
            return RC_OK;
    }
    return conf_fail(conf, 1, "gate itself has one of that name",
                     "the duplicate \"%.*s\" variable", SPAN_ARG(name));
}

static enum rc set_variable(struct conf *conf, const struct directive *d, void *part)
{
    struct rewrite_code made = {.kind = REWRITE_SET};
    struct span name = conf_word(conf, 1);
    enum rc rc;

    (void)d;
    if (name.len < 2 || name.at[0] != '$')
        return conf_fail(conf, 1, "it begins with '$'", "invalid variable name \"%.*s\"",
                         SPAN_ARG(name));
    span_cut(&name, 1);
    if ((rc = find_variable(conf, name, &made.variable)) != RC_OK ||
        (rc = conf_template(conf, 2, conf_word(conf, 2), &made.text)) != RC_OK)
        return rc;
    return add_code(conf, part, &made);
}

/* ---- rewrite ---- */

static bool is_url(struct span text)
{
    return span_starts(text, SPAN("http://")) || span_starts(text, SPAN("https://")) ||
           span_starts(text, SPAN("$scheme"));
}

static enum rc parse_flag(struct conf *conf, struct rewrite_code *code)
{
    static const struct {
        const char *name;
        enum rewrite_then then;
        unsigned status;
    } flags[] = {{"last", REWRITE_LAST, 0},
                 {"break", REWRITE_STAY, 0},
                 {"redirect", REWRITE_AWAY, 302},
                 {"permanent", REWRITE_AWAY, 301}};
    struct span word = conf_word(conf, 3);

    if (conf_words(conf) < 4)
        return RC_OK;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (!span_equal(word, span_text(flags[i].name)))
            continue;
        if (code->then != REWRITE_AWAY || flags[i].then == REWRITE_AWAY) {
            code->then = flags[i].then;
            code->status = flags[i].status;
        }
        return RC_OK;
    }
    return conf_fail(conf, 3, "one of: last, break, redirect, permanent",
                     "invalid parameter \"%.*s\"", SPAN_ARG(word));
}

static bool has_question_mark(const struct template *t)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (!t->parts[i].variable &&
            span_find(t->parts[i].literal, '?') < t->parts[i].literal.len)
            return true;
    return false;
}

static enum rc set_rewrite(struct conf *conf, const struct directive *d, void *part)
{
    struct rewrite_code made = {.kind = REWRITE_PATH, .pattern = conf_word(conf, 1)};
    struct span text = conf_word(conf, 2);
    struct regex *regex;
    enum rc rc;

    (void)d;
    if ((rc = conf_regex(conf, 1, made.pattern, false, &regex)) != RC_OK)
        return rc;
    made.regex = regex;
    if (text.len == 0)
        return conf_fail(conf, 2, NULL, "empty replacement");
    if (is_url(text)) {
        made.then = REWRITE_AWAY;
        made.status = 302;
    }
    if (text.at[text.len - 1] == '?') {
        made.drops_args = true;
        text.len--;
    }
    if ((rc = parse_flag(conf, &made)) != RC_OK ||
        (rc = conf_template(conf, 2, text, &made.text)) != RC_OK)
        return rc;
    made.has_args = has_question_mark(&made.text);
    return add_code(conf, part, &made);
}

/* ---- break and return ---- */

static enum rc set_break(struct conf *conf, const struct directive *d, void *part)
{
    const struct rewrite_code made = {.kind = REWRITE_BREAK};

    (void)d;
    return add_code(conf, part, &made);
}

static bool is_redirect(uint64_t code)
{
    return code == 301 || code == 302 || code == 303 || code == 307 || code == 308;
}

static enum rc set_return(struct conf *conf, const struct directive *d, void *part)
{
    struct span first = conf_word(conf, 1), text = conf_word(conf, 2);
    struct rewrite_code made = {.kind = REWRITE_RETURN};
    uint64_t code;
    enum rc rc;

    (void)d;
    if (units_parse_number(first, CODE_MAX, &code) != RC_OK) {
        if (conf_words(conf) > 2 || !is_url(first))
            return conf_fail(conf, 1, "return CODE, return CODE TEXT, or return URL",
                             "invalid return code \"%.*s\"", SPAN_ARG(first));
        code = 302;
        text = first;
    }
    if (text.len > 0 && (rc = conf_template(conf, 2, text, &made.text)) != RC_OK)
        return rc;
    made.status = (unsigned)code;
    made.is_redirect = is_redirect(code);
    return add_code(conf, part, &made);
}

#define CODE CONF_SERVER | CONF_LOCATION
#define PLACE CONF_ALL_HTTP

const struct directive rewrite_directives[] = {
    {"set", CODE, 2, 2, true, .set = set_variable,
     .doc = "Gives a variable of the configuration's own a value, for this request."},
    {"rewrite", CODE, 2, 3, true, .set = set_rewrite,
     .doc = "Changes the path where the expression matches it, and goes on with the next "
            "instruction, with the location of the new path (last), in this one (break), or "
            "with a redirect (redirect, permanent, or a URL)."},
    {"break", CODE, 0, 0, true, .set = set_break,
     .doc = "Ends the instructions of set, rewrite and their like; the location stays."},
    {"return", CODE, 1, 2, true, .set = set_return,
     .doc = "Answers at once with a status, and a text or the URL of a redirect."},
    {"rewrite_log", PLACE, 1, 1, .set = conf_set_flag, AT(log), .standard = "off",
     .doc = "Writes what rewrite does to the error log, as a notice."},
    {"uninitialized_variable_warn", PLACE, 1, 1, .set = conf_set_flag, AT(uninitialized_warn),
     .standard = "on", .doc = "Warns in the error log of variables that no set has reached."},
    {0},
};
