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

/* In the order of the file, which is not the one they are read in: blocks come after plain directives. */
static void sort(struct rewrite_code *codes, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct rewrite_code moved = codes[i];
        size_t at = i;

        for (; at > 0 && codes[at - 1].order > moved.order; at--)
            codes[at] = codes[at - 1];
        codes[at] = moved;
    }
}

void rewrite_settings_finish(struct rewrite_settings *s)
{
    struct rewrite_code *codes = NULL;

    memcpy(&codes, &s->codes, sizeof codes);
    sort(codes, s->count);
    for (size_t i = 0; i < s->count; i++) {
        codes[i].skip = 0;
        while (codes[i].kind == REWRITE_IF && i + codes[i].skip + 1 < s->count &&
               codes[i + codes[i].skip + 1].order < codes[i].end)
            codes[i].skip++;
    }
}

enum rc rewrite_settings_add(struct conf *conf, struct rewrite_settings *s,
                             const struct rewrite_code *codes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct rewrite_code *all = NULL, *code;

        memcpy(&all, &s->codes, sizeof all);
        if (!(code = conf_add(conf, (void **)&all, &s->count, sizeof *code)))
            return RC_MEMORY;
        *code = codes[i];
        s->codes = all;
    }
    return RC_OK;
}

static enum rc add_code(struct conf *conf, struct rewrite_settings *s,
                        struct rewrite_code *made)
{
    made->node = conf->node;
    made->order = conf->node->order;
    return rewrite_settings_add(conf, s, made, 1);
}

/* ---- set ---- */

enum rc rewrite_settings_variable(struct conf *conf, struct span name, uintptr_t *variable)
{
    const struct variables *known = conf->variables;

    *variable = REWRITE_VARIABLE_ARGS;
    if (span_equal_nocase(name, SPAN("args")))
        return RC_OK;
    *variable = REWRITE_VARIABLE_RATE;
    if (span_equal_nocase(name, SPAN("limit_rate")))
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
    if ((rc = rewrite_settings_variable(conf, name, &made.variable)) != RC_OK ||
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

/* ---- if ---- */

/* The words between '(' and ')'. */
struct condition {
    struct span words[3];
    size_t count;
    size_t first; /* of them in the directive */
};

static enum rc invalid(struct conf *conf, size_t i, struct span shown)
{
    return conf_fail(conf, i, NULL, "invalid condition \"%.*s\"", SPAN_ARG(shown));
}

static enum rc cut_condition(struct conf *conf, struct condition *c)
{
    size_t last = conf_words(conf) - 1, first = 1;
    struct span begin = conf_word(conf, 1), end;

    if (!span_starts(begin, SPAN("(")))
        return invalid(conf, 1, begin);
    if (begin.len == 1)
        begin = conf_word(conf, ++first);
    else
        span_cut(&begin, 1);
    end = last == first ? begin : conf_word(conf, last);
    if (end.len == 0 || end.at[end.len - 1] != ')')
        return invalid(conf, last, end);
    end.len--;
    last -= end.len == 0 ? 1 : 0;
    if (first > last || last - first >= sizeof c->words / sizeof *c->words)
        return invalid(conf, 1, begin);
    *c = (struct condition){.count = last - first + 1, .first = first};
    for (size_t i = 0; i < c->count; i++)
        c->words[i] = conf_word(conf, first + i);
    c->words[0] = begin;
    if (end.len > 0)
        c->words[c->count - 1] = end;
    return RC_OK;
}

/* "$name", and nothing else. */
static enum rc parse_operand(struct conf *conf, const struct condition *c,
                             struct template *operand)
{
    struct span name = c->words[0];

    span_cut(&name, 1);
    for (size_t i = 0; i < name.len; i++)
        if ((!isalnum(name.at[i]) && name.at[i] != '_') ||
            (name.len == 1 && isdigit(name.at[i])))
            return conf_fail(conf, c->first, NULL, "unknown \"%.*s\" variable",
                             SPAN_ARG(name));
    return conf_template(conf, c->first, c->words[0], operand);
}

static enum rc parse_comparison(struct conf *conf, const struct condition *c,
                                struct rewrite_code *code)
{
    struct span sign = c->words[1];
    struct regex *regex;
    enum rc rc;

    code->negative = span_starts(sign, SPAN("!"));
    if (code->negative)
        span_cut(&sign, 1);
    if (span_equal(sign, SPAN("="))) {
        code->test = REWRITE_EQUALS;
        return conf_template(conf, c->first + 2, c->words[2], &code->text);
    }
    if (!span_equal(sign, SPAN("~")) && !span_equal(sign, SPAN("~*")))
        return conf_fail(conf, c->first + 1, "one of: =, !=, ~, ~*, !~, !~*",
                         "unexpected \"%.*s\" in condition", SPAN_ARG(c->words[1]));
    code->test = REWRITE_MATCHES;
    code->pattern = c->words[2];
    if ((rc = conf_regex(conf, c->first + 2, code->pattern, sign.len == 2, &regex)) == RC_OK)
        code->regex = regex;
    return rc;
}

static enum rc parse_file_test(struct conf *conf, const struct condition *c,
                               struct rewrite_code *code)
{
    static const struct {
        char letter;
        enum rewrite_test test;
    } tests[] = {{'f', REWRITE_IS_FILE},
                 {'d', REWRITE_IS_DIRECTORY},
                 {'e', REWRITE_EXISTS},
                 {'x', REWRITE_IS_EXECUTABLE}};
    struct span sign = c->words[0];

    code->negative = span_starts(sign, SPAN("!"));
    if (code->negative)
        span_cut(&sign, 1);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        if (c->count == 2 && sign.len == 2 && sign.at[0] == '-' &&
            sign.at[1] == tests[i].letter) {
            code->test = tests[i].test;
            return conf_template(conf, c->first + 1, c->words[1], &code->text);
        }
    }
    return invalid(conf, c->first, c->words[0]);
}

enum rc rewrite_settings_parse_if(struct conf *conf, struct rewrite_code *code)
{
    struct condition c = {0};
    enum rc rc = cut_condition(conf, &c);

    *code = (struct rewrite_code){.kind = REWRITE_IF,
                                  .node = conf->node,
                                  .order = conf->node->order,
                                  .end = conf->node->close_order};
    if (rc != RC_OK)
        return rc;
    if (c.words[0].len < 2 || c.words[0].at[0] != '$')
        return parse_file_test(conf, &c, code);
    if (c.count == 2)
        return invalid(conf, c.first, c.words[0]);
    if ((rc = parse_operand(conf, &c, &code->operand)) != RC_OK || c.count == 1)
        return rc;
    return parse_comparison(conf, &c, code);
}

/* ---- break and return ---- */

static enum rc set_break(struct conf *conf, const struct directive *d, void *part)
{
    struct rewrite_code made = {.kind = REWRITE_BREAK};

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

#define CODE CONF_SERVER | CONF_SERVER_IF | CONF_LOCATION | CONF_IF
#define PLACE CONF_ALL_HTTP | CONF_SERVER_IF | CONF_IF

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
