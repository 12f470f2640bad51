#include "gate/command/directives.h"

#include <stdlib.h>

#include "base/options.h"
#include "gate/conf/slot.h"

enum { LINE = 96, NAME = 28 };

static int by_name(const void *a, const void *b)
{
    const struct directive *const *left = a, *const *right = b;

    return strcmp((*left)->name, (*right)->name);
}

/* Every row, in the order of the names; NULL where there is no memory. */
static const struct directive **sorted(const struct conf_language *language, size_t *count)
{
    const struct directive **rows;

    *count = 0;
    for (size_t t = 0; t < language->count; t++)
        for (const struct directive *d = language->tables[t]; d->name; d++)
            ++*count;
    rows = calloc(*count + 1, sizeof *rows);
    *count = 0;
    for (size_t t = 0; rows && t < language->count; t++)
        for (const struct directive *d = language->tables[t]; d->name; d++)
            rows[(*count)++] = d;
    if (rows)
        qsort(rows, *count, sizeof *rows, by_name);
    return rows;
}

/* Breaks the sentence between words, each further line below the first. */
static void add_wrapped(struct text *out, const char *sentence, size_t indent)
{
    size_t column = indent;

    while (*sentence) {
        size_t word = strcspn(sentence, " ");

        if (column > indent && column + 1 + word > LINE) {
            text_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            text_add_char(out, ' ');
            column++;
        }
        text_add(out, span_of(sentence, word));
        column += word;
        sentence += word;
        sentence += *sentence == ' ';
    }
    text_add_char(out, '\n');
}

void directives_list(const struct conf_language *language, struct text *out)
{
    size_t count;
    const struct directive **rows = sorted(language, &count);

    out->failed = out->failed || !rows;
    for (size_t i = 0; rows && i < count; i++) {
        if (i > 0 && strcmp(rows[i]->name, rows[i - 1]->name) == 0)
            continue;
        text_printf(out, "%-*s ", NAME, rows[i]->name);
        if (strlen(rows[i]->name) > NAME)
            text_printf(out, "\n%*s", NAME + 1, "");
        add_wrapped(out, rows[i]->doc, NAME + 1);
    }
    free(rows);
}

/* "1 or 2 words", behind the name. */
static void add_form(struct text *out, const struct directive *d)
{
    if (d->most == 0)
        text_printf(out, "none");
    else if (d->most == CONF_MANY)
        text_printf(out, "%u or more words", d->least);
    else if (d->least == d->most)
        text_printf(out, "%u word%s", d->least, d->least == 1 ? "" : "s");
    else
        text_printf(out, "%u to %u words", d->least, d->most);
    if (d->kind != CONF_PLAIN)
        text_printf(out, ", then a block { }");
}

static void add_row(struct text *out, const struct directive *d)
{
    char room[112];
    struct buffer contexts = buffer_over(room, sizeof room);

    conf_contexts(d->contexts, &contexts);
    if (out->len > 0)
        text_add_char(out, '\n');
    text_printf(out, "%s\n  ", d->name);
    add_wrapped(out, d->doc, 2);
    text_printf(out,
                "  Stands in:   %.*s%s\n  Arguments:   ", SPAN_ARG(buffer_span(&contexts)),
                d->repeats ? "; may be repeated" : "");
    add_form(out, d);
    text_printf(out, "\n  Without it:  %s\n", d->standard ? d->standard : "-");
}

enum rc directives_show(const struct conf_language *language, const char *name,
                        struct text *out, struct fault *why)
{
    const size_t before = out->len;
    const char *near;

    for (size_t t = 0; t < language->count; t++)
        for (const struct directive *d = language->tables[t]; d->name; d++)
            if (strcmp(d->name, name) == 0)
                add_row(out, d);
    if (out->len > before)
        return RC_OK;
    if (language->is_missing(span_text(name))) {
        const char *advice = language->advice(span_text(name));

        return fail(why, RC_NOT_FOUND,
                    "\"%s\" is a directive of nginx that gate does not have%s%s", name,
                    advice ? ": " : " yet", advice ? advice : "");
    }
    near = options_nearest(name, conf_name_at, language);
    return fail(why, RC_NOT_FOUND, "\"%s\" names no directive%s%s%s", name,
                near ? "; did you mean \"" : "; \"gate directives\" lists them",
                near ? near : "", near ? "\"?" : "");
}

/* ---- JSON ---- */

/* Sentences of ours: they hold no control bytes. */
static void add_quoted(struct text *out, const char *text)
{
    text_add_char(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            text_add_char(out, '\\');
        text_add_char(out, *text);
    }
    text_add_char(out, '"');
}

static bool is_among(const char *(*names)(size_t i), const char *name)
{
    for (size_t i = 0; names(i); i++)
        if (strcmp(names(i), name) == 0)
            return true;
    return false;
}

/* Every row of that name says that it does nothing. */
static bool is_idle(const struct directive *const *rows, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i]->name, name) == 0 && rows[i]->set != conf_accept &&
            strncmp(rows[i]->doc, "Accepted", 8) != 0)
            return false;
    return true;
}

static void add_object(struct text *out, const struct directive *d, unsigned contexts,
                       const char *status)
{
    char room[112];
    struct buffer in = buffer_over(room, sizeof room);

    conf_contexts(contexts, &in);
    text_printf(out,
                "  {\"name\": \"%s\", \"status\": \"%s\", \"contexts\": \"%.*s\", \"doc\": ",
                d->name, status, SPAN_ARG(buffer_span(&in)));
    add_quoted(out, d->doc);
    text_printf(out, ", \"standard\": ");
    if (d->standard)
        add_quoted(out, d->standard);
    else
        text_printf(out, "null");
    text_add_char(out, '}');
}

void directives_write_json(const struct conf_language *language,
                           const char *(*names)(size_t i), struct text *out)
{
    size_t count;
    const struct directive **rows = sorted(language, &count);
    const char *comma = "";

    out->failed = out->failed || !rows;
    text_printf(out, "[\n");
    for (size_t i = 0; rows && i < count; i++) {
        unsigned contexts = rows[i]->contexts;
        const struct directive *first = rows[i];

        while (i + 1 < count && strcmp(rows[i + 1]->name, first->name) == 0)
            contexts |= rows[++i]->contexts;
        text_printf(out, "%s", comma);
        comma = ",\n";
        add_object(out, first, contexts,
                   !is_among(names, first->name)       ? "own"
                   : is_idle(rows, count, first->name) ? "accepted"
                                                       : "nginx");
    }
    for (size_t i = 0; names(i); i++) {
        size_t table, row;

        const char *advice = language->advice(span_text(names(i)));

        if (conf_find(language, span_text(names(i)), 0, &table, &row) ||
            strcmp(names(i), "include") == 0)
            continue;
        text_printf(out, "%s  {\"name\": \"%s\", \"status\": \"missing\", \"doc\": ", comma,
                    names(i));
        add_quoted(out, advice ? advice : "");
        text_add_char(out, '}');
    }
    text_printf(out, "\n]\n");
    free(rows);
}
