#include "gate/conf/hint.h"

#include <stdio.h>

#include "base/options.h"

/* Of a message that has `text`, about `directive` where one is named. The first one holds. */
static const struct {
    const char *directive, *text, *hint;
} hints[] = {
    {NULL, "invalid condition",
     "a condition is $name, -f PATH and its like, or two words with =, !=, ~, ~*, !~ or !~* "
     "between them; of several make a \"map\", or an \"if\" each"},
    {NULL, "has no opening \"{\"", "what it is about stands between '{' and '}'"},
    {NULL, "duplicate location", "both answer for the same paths: join them"},
    {NULL, "is outside location", "the path of an inner location begins with the outer one's"},
    {NULL, "duplicate default", "one default is enough"},
    {NULL, "is duplicate", "it stands once in a block: take one of them out"},
    {NULL, "a duplicate listen", "an address stands once in a server"},
    {"listen", "",
     "a port, ADDRESS:PORT or unix:PATH, and behind a blank what else is asked of it"},
    {"server", "invalid port in upstream",
     "HOST:PORT, with nothing in front and nothing behind"},
    {"add_header", "invalid parameter", "a value of several words stands in quotes"},
    {"error_page", "invalid value", "error_page 404 =200 /path; with no blank behind the '='"},
    {"include", "", "a path that is not whole is taken from the folder of the configuration"},
    {NULL, "pcre2_compile() failed",
     "a sign that stands for itself has a '\\' in front; quotes around the expression keep "
     "'{', '}' and ';' in it"},
    {NULL, "cannot load certificate", "the file must be there, readable, and in PEM form"},
};

static bool is_directive(const struct conf *conf, struct span word)
{
    const char *name;

    for (size_t i = 0; (name = conf_name_at(i, conf->language)); i++)
        if (span_equal(span_text(name), word))
            return true;
    return false;
}

/* Has the statement swallowed the next one, which begins a line? */
static const char *swallowed(const struct conf *conf, char room[HINT_MAX])
{
    for (size_t i = 1; i < conf->node->count; i++) {
        const struct conf_word *word = &conf->node->words[i];

        if (!is_directive(conf, word->text) ||
            (i > 1 && word[-1].line == word->line && conf->node->count > i + 2))
            continue;
        snprintf(room, HINT_MAX, "is a ';' missing in front of \"%.*s\"?",
                 SPAN_ARG(word->text));
        return room;
    }
    return NULL;
}

/* For options_nearest: names that are no digits and no families. */
static const char *variable_at(size_t i, const void *of)
{
    const struct variables *variables = of;
    size_t count = 0;

    for (const struct variable *row = variables->rows; row && row->name; row++)
        if (row->name[0] >= 'a' && count++ == i)
            return row->name;
    return i - count < variables->defined_count ? variables->defined[i - count].name : NULL;
}

/* unknown "hsot" variable */
static const char *near_variable(const struct conf *conf, const char *text,
                                 char room[HINT_MAX])
{
    char name[64];
    const char *near;

    if (!conf->variables || sscanf(text, "unknown \"%63[^\"]\" variable", name) != 1)
        return NULL;
    if (conf->language->advice && (near = conf->language->advice(span_text(name))))
        return near;
    near = options_nearest(name, variable_at, conf->variables);
    if (near)
        snprintf(room, HINT_MAX, "did you mean \"$%s\"?", near);
    else
        snprintf(room, HINT_MAX,
                 "nothing sets it: set, map, geo and named groups of expressions do");
    return room;
}

/* What the manual says of it, where that is short. */
static const char *what_it_does(const struct conf *conf, char room[HINT_MAX])
{
    size_t table, row;
    const struct directive *d =
        conf->language && conf->level
            ? conf_find(conf->language, conf_word(conf, 0), conf->level->context, &table, &row)
            : NULL;

    if (!d || !d->doc || conf->node->block)
        return NULL;
    snprintf(room, HINT_MAX, "%s: %s", d->name, d->doc);
    return room;
}

const char *hint_for_value(const struct conf *conf, const char *text, char room[HINT_MAX])
{
    const char *found;

    if (!conf->node || !conf->language)
        return NULL;
    if ((found = near_variable(conf, text, room)) || (found = swallowed(conf, room)))
        return found;
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if ((!hints[i].directive ||
             span_equal(conf_word(conf, 0), span_text(hints[i].directive))) &&
            strstr(text, hints[i].text))
            return hints[i].hint;
    return what_it_does(conf, room);
}

const char *hint_for_name(struct span name)
{
    if (span_starts(name, SPAN("if(")))
        return "a blank stands behind \"if\"";
    if (span_find(name, '}') < name.len)
        return "an expression with '{' or '}' in it stands in quotes";
    if (span_equal(name, SPAN("ssl")))
        return "nginx has it no more: write \"listen 443 ssl;\"";
    return span_starts(name, SPAN("<")) ? "this is not nginx's language: server { listen 80; }"
                                        : NULL;
}

const char *hint_for_count(const struct conf *conf, const struct directive *d,
                           char room[HINT_MAX])
{
    size_t given = conf->node->count - 1, len;
    const char *found = given > d->least ? swallowed(conf, room) : NULL;

    if (found)
        return found;
    if (d->most == CONF_MANY)
        snprintf(room, HINT_MAX, "it takes at least %u", (unsigned)d->least);
    else if (d->most == d->least)
        snprintf(room, HINT_MAX, "it takes %u", (unsigned)d->least);
    else
        snprintf(room, HINT_MAX, "it takes %u to %u", (unsigned)d->least, (unsigned)d->most);
    len = strlen(room);
    snprintf(room + len, HINT_MAX - len, ", not %zu%s%s", given, d->doc ? ": " : "",
             d->doc ? d->doc : "");
    return room;
}

const char *hint_for_syntax(const struct lexer *l, const char *text,
                            const struct conf_node *unclosed, uint32_t begun,
                            char room[HINT_MAX])
{
    if (strstr(text, "unexpected \"}\""))
        return l->pending > 0 ? "is a ';' missing in front of it?"
                              : "there is one '}' more than there are '{'";
    if (strstr(text, "unexpected \";\""))
        return "there is nothing for it to end: take it out";
    if (strstr(text, "unexpected \"{\""))
        return "a block has a name in front of its '{'";
    if (strstr(text, "expecting \"}\"") && unclosed) {
        snprintf(room, HINT_MAX, "the block \"%.*s\" of line %u has no '}'",
                 SPAN_ARG(unclosed->words[0].text), unclosed->words[0].line);
        return room;
    }
    if (strstr(text, "end of file") && l->quote_line > 0) {
        snprintf(room, HINT_MAX, "the quote that opens in line %u is not closed",
                 l->quote_line);
        return room;
    }
    if (strstr(text, "end of file") && begun > 0) {
        snprintf(room, HINT_MAX, "what begins in line %u has no ';'", begun);
        return room;
    }
    return l->after_quote ? "quotes stand around a whole word" : NULL;
}
