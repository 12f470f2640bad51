#include "gate/conf/faults.h"

#include <stdio.h>

enum {
    KEPT_MAX = 200,  /* more than anybody reads */
    SHOWN_MAX = 160, /* bytes of a line that are shown */
};

/* The line of `text` with that number, without its end. */
static struct span line_of(struct span text, uint32_t line)
{
    struct span found = {0};

    for (uint32_t i = 0; i < line; i++) {
        found = span_cut(&text, span_find(text, '\n'));
        span_cut(&text, 1);
    }
    if (found.len > 0 && found.at[found.len - 1] == '\r')
        found.len--;
    return found;
}

/* Behind all that come before it. */
static void insert(struct faults *f, struct fault_entry *entry)
{
    struct fault_entry **at = &f->first;

    while (*at && (*at)->place.order <= entry->place.order)
        at = &(*at)->next;
    entry->next = *at;
    *at = entry;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_known(const struct faults *f, const struct fault_place *place, const char *text)
{
    for (const struct fault_entry *e = f->first; e; e = e->next)
        if (place->line > 0 && e->place.line == place->line &&
            e->place.column == place->column && same_text(e->place.file, place->file) &&
            same_text(e->text, text))
            return true;
    return false;
}

void faults_vadd(struct faults *f, const struct fault_place *place, bool warning,
                 const char *hint, const char *format, va_list args)
{
    struct fault_entry *entry;
    char text[1024];

    vsnprintf(text, sizeof text, format, args);
    if (is_known(f, place, text))
        return;
    if (warning)
        f->warnings++;
    else
        f->errors++;
    if (f->errors + f->warnings > KEPT_MAX)
        return;
    entry = arena_take(&f->arena, sizeof *entry);
    if (!entry)
        return; /* it is counted all the same */
    entry->warning = warning;
    entry->place = *place;
    entry->place.file = place->file ? arena_text(&f->arena, span_text(place->file)) : NULL;
    entry->place.text = arena_copy(&f->arena, line_of(place->text, place->line));
    entry->text = arena_text(&f->arena, span_text(text));
    entry->hint = hint ? arena_text(&f->arena, span_text(hint)) : NULL;
    if (entry->text)
        insert(f, entry);
}

void faults_add(struct faults *f, const struct fault_place *place, bool warning,
                const char *hint, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    faults_vadd(f, place, warning, hint, format, args);
    va_end(args);
}

const struct fault_entry *faults_first_error(const struct faults *f)
{
    const struct fault_entry *e = f->first;

    while (e && e->warning)
        e = e->next;
    return e;
}

void fault_entry_line(const struct fault_entry *e, struct text *out)
{
    text_printf(out, "[%s] %s", e->warning ? "warn" : "emerg", e->text);
    if (e->place.command)
        text_printf(out, " in command line");
    else if (e->place.file && e->place.end_line > 0)
        text_printf(out, " in %s:%u", e->place.file, e->place.end_line);
}

/* Blanks of the line's own kind up to the column, so that tabs line up, and then the caret. */
static void show_caret(const struct fault_entry *e, struct text *out)
{
    struct span line = e->place.text;
    uint32_t column = e->place.column, width = e->place.width ? e->place.width : 1;

    text_printf(out, "    ");
    for (uint32_t i = 0; i + 1 < column; i++)
        text_add_char(out, i < line.len && line.at[i] == '\t' ? '\t' : ' ');
    for (uint32_t i = 0; i < width && (i == 0 || column + i <= line.len); i++)
        text_add_char(out, '^');
    text_add_char(out, '\n');
}

/* Control bytes of the file do not reach the terminal. */
static void show_line(struct span line, struct text *out)
{
    text_printf(out, "    ");
    for (size_t i = 0; i < line.len && i < SHOWN_MAX; i++)
        text_add_char(out, line.at[i] < ' ' && line.at[i] != '\t' ? '?' : (char)line.at[i]);
    text_add_char(out, '\n');
}

void fault_entry_show(const struct fault_entry *e, struct text *out)
{
    if (e->place.command)
        text_printf(out, "command line: ");
    else if (e->place.file && e->place.column > 0)
        text_printf(out, "%s:%u:%u: ", e->place.file, e->place.line, e->place.column);
    else if (e->place.file)
        text_printf(out, "%s: ", e->place.file);
    text_printf(out, "%s: %s\n", e->warning ? "warning" : "error", e->text);
    if (e->place.text.len > 0 && e->place.column > 0) {
        show_line(e->place.text, out);
        if (e->place.column <= SHOWN_MAX)
            show_caret(e, out);
    }
    if (e->hint)
        text_printf(out, "  %s\n", e->hint);
}

static bool says_the_same(const struct fault_entry *a, const struct fault_entry *b)
{
    return b && b->hint && same_text(a->hint, b->hint) && same_text(a->text, b->text) &&
           same_text(a->place.file, b->place.file);
}

/* Those behind `e` that say what it says: gives the last of them. */
static const struct fault_entry *show_same(const struct fault_entry *e, struct text *out,
                                           size_t *kept)
{
    const char *before = "  again in line ";

    for (; says_the_same(e, e->next); e = e->next, (*kept)++) {
        text_printf(out, "%s%u", before, e->next->place.line);
        before = ", ";
    }
    if (before[0] == ',')
        text_add_char(out, '\n');
    return e;
}

void faults_show(const struct faults *f, struct text *out)
{
    const struct fault_entry *first = faults_first_error(f);
    size_t kept = 0;

    for (const struct fault_entry *e = f->first; e; e = e->next, kept++) {
        if (e != first || e->place.file || e->place.command || e->hint)
            fault_entry_show(e, out);
        e = show_same(e, out, &kept);
    }
    if (f->errors + f->warnings > kept)
        text_printf(out, "and %zu more\n", f->errors + f->warnings - kept);
}

void faults_clear(struct faults *f)
{
    arena_clear(&f->arena);
    *f = (struct faults){0};
}
