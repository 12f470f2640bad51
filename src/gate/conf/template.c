#include "gate/conf/template.h"

#include <ctype.h>

static bool is_name_byte(uint8_t c)
{
    return isalnum(c) || c == '_';
}

/* The row for a name in lower case; `rest` is what a family's `get` is to be given. */
static const struct variable *find(const struct variables *known, struct span name,
                                   struct span *rest)
{
    const struct variable *family = NULL, *capture = NULL;

    for (size_t i = 0; i < known->defined_count; i++) {
        if (span_equal(span_text(known->defined[i].name), name)) {
            *rest = (struct span){0};
            return &known->defined[i];
        }
    }
    for (const struct variable *v = known->rows; v->name; v++) {
        struct span row = span_text(v->name);

        if (span_equal(row, name)) {
            *rest = (struct span){0};
            return v;
        }
        if (row.len > 1 && row.at[row.len - 1] == '_' && name.len > row.len &&
            span_starts(name, row)) {
            family = v;
            *rest = span_of(name.at + row.len, name.len - row.len);
        }
        if (strcmp(v->name, VARIABLE_CAPTURE) == 0)
            capture = v;
    }
    if (family || !capture)
        return family;
    for (size_t i = 0; i < known->captures_count; i++) {
        if (span_equal(known->captures[i], name)) {
            *rest = name;
            return capture;
        }
    }
    return NULL;
}

bool variables_have_fixed(const struct variables *known, struct span name)
{
    for (const char *const *free = known->changeable; free && *free; free++)
        if (span_equal(span_text(*free), name))
            return false;
    for (const struct variable *v = known->rows; v->name; v++)
        if (span_equal(span_text(v->name), name))
            return true;
    return false;
}

/* A copy in lower case; at is NULL when there is no memory. */
static struct span lower(struct arena *arena, struct span s)
{
    char *copy = arena_text(arena, s);

    for (size_t i = 0; copy && i < s.len; i++)
        copy[i] = (char)tolower((unsigned char)copy[i]);
    return span_of(copy, copy ? s.len : 0);
}

/* Cuts "name" or "{name}" off `text`, which begins behind the '$'. */
static enum rc cut_name(struct span *text, struct span *name, struct fault *why)
{
    bool braced = text->len > 0 && text->at[0] == '{';
    size_t len = 0;

    if (braced)
        span_cut(text, 1);
    else if (text->len > 0 && text->at[0] >= '1' && text->at[0] <= '9') {
        *name = span_cut(text, 1); /* $12 is the first capture and a "2" */
        return RC_OK;
    }
    while (len < text->len && is_name_byte(text->at[len]))
        len++;
    *name = span_cut(text, len);
    if (braced && (text->len == 0 || text->at[0] != '}'))
        return fail(why, RC_FORMAT, "the closing bracket in \"%.*s\" variable is missing",
                    SPAN_ARG(*name));
    if (braced)
        span_cut(text, 1);
    return name->len > 0 ? RC_OK : fail(why, RC_FORMAT, "invalid variable name");
}

static enum rc compile_variable(struct template_part *part, struct span *text,
                                const struct variables *known, struct arena *arena,
                                struct fault *why)
{
    struct span name;
    enum rc rc = cut_name(text, &name, why);

    if (rc != RC_OK)
        return rc;
    name = lower(arena, name);
    if (!name.at)
        return fail(why, RC_MEMORY, "no memory for a variable's name");
    part->variable = find(known, name, &part->rest);
    if (!part->variable)
        return fail(why, RC_NOT_FOUND, "unknown \"%.*s\" variable", SPAN_ARG(name));
    return RC_OK;
}

/* No more parts than this: one for each '$', and one for the text in front of and behind each. */
static size_t parts_most(struct span text)
{
    size_t count = 1;

    for (size_t i = 0; i < text.len; i++)
        count += text.at[i] == '$' ? 2 : 0;
    return count;
}

enum rc template_compile(struct template *t, struct span text, const struct variables *known,
                         struct arena *arena, struct fault *why)
{
    struct template_part *parts = arena_take_array(arena, parts_most(text), sizeof *parts);
    struct template made = {.parts = parts, .source = text};

    if (!parts)
        return fail(why, RC_MEMORY, "no memory for a text with variables");
    while (text.len > 0) {
        struct template_part *part = &parts[made.count++];

        if (text.at[0] != '$') {
            part->literal = span_cut(&text, span_find(text, '$'));
        } else {
            enum rc rc;

            span_cut(&text, 1);
            if ((rc = compile_variable(part, &text, known, arena, why)) != RC_OK)
                return rc;
        }
    }
    *t = made;
    return RC_OK;
}

void template_write(const struct template *t, void *subject, struct buffer *out)
{
    for (uint32_t i = 0; i < t->count; i++) {
        const struct template_part *p = &t->parts[i];
        struct span value = {0};

        if (!p->variable)
            buffer_add(out, p->literal);
        else if (p->variable->get(subject, p->rest, p->variable->of, &value))
            buffer_add(out, value);
    }
}

bool predicates_hold(const struct predicates *p, void *subject, struct buffer scratch)
{
    for (size_t i = 0; i < p->count; i++) {
        scratch.len = 0;
        template_write(&p->all[i], subject, &scratch);
        if (scratch.len > 0 && !span_equal(buffer_span(&scratch), SPAN("0")))
            return true;
    }
    return false;
}
