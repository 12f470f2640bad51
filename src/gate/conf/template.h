/*
 * Text with variables ("$scheme://$host$request_uri", "${name}x"), compiled once when the
 * configuration is read, evaluated once for each use into a bounded buffer: nothing is measured first
 * and copied after.
 */
#ifndef GATE_CONF_TEMPLATE_H
#define GATE_CONF_TEMPLATE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/fault.h"

/*
 * One variable, or a family of them ("http_": the name ends in '_', and `rest` is what follows it in the
 * template, in lower case). `get` is given what template_write was given; it returns false where there
 * is no value (which is written as nothing). The value must last until the subject's request ends.
 */
struct variable {
    const char *name; /* without the '$', lower case */
    bool (*get)(void *subject, struct span rest, uintptr_t of, struct span *value);
    uintptr_t of; /* handed to `get` */
};

/* The row that answers for $1 .. $9 is named by its digit; the one for named captures is this. */
#define VARIABLE_CAPTURE "<"

/*
 * All that exist; the last row has no name. A name that has no row and is one of `captures` (the named
 * groups of the configuration's regular expressions) goes to the row VARIABLE_CAPTURE, with the name as `rest`.
 */
struct variables {
    const struct variable *rows;
    const char *const
        *changeable; /* rows that the configuration may define anew; the last is NULL */
    const struct span *captures; /* lower case */
    size_t captures_count;
    const struct variable
        *defined; /* by the configuration: they come before the rows' families */
    size_t defined_count;

    /* `get` of the variables that the configuration computes, with what it defines them by as `of`. */
    bool (*computed)(void *subject, struct span rest, uintptr_t of, struct span *value);
};

/* Is it a row, which the configuration may not define anew? */
bool variables_have_fixed(const struct variables *known, struct span name);

struct template_part {
    struct span literal; /* where variable is NULL */
    const struct variable *variable;
    struct span rest; /* of a family's member; the name of a named capture */
};

/* {0} is the empty text. */
struct template
{
    const struct template_part *parts;
    uint32_t count;
    struct span source; /* as it stands in the configuration */
};

/*
 * `text` must outlive the template, as must the arena that its parts come from.
 * RC_NOT_FOUND  unknown "x" variable; RC_FORMAT  "${" without its '}', '$' at the end ("invalid variable name")
 */
enum rc template_compile(struct template *t, struct span text, const struct variables *known,
                         struct arena *arena, struct fault *why);

static inline bool template_is_constant(const struct template *t)
{
    return t->count == 0 || (t->count == 1 && !t->parts[0].variable);
}

/* Of a constant one. */
static inline struct span template_constant(const struct template *t)
{
    return t->count ? t->parts[0].literal : (struct span){0};
}

/* Too small a buffer leaves out->full set. */
void template_write(const struct template *t, void *subject, struct buffer *out);

/* Texts, one of which is to come to something but nothing and 0. {0} does not hold. */
struct predicates {
    const struct template *all;
    size_t count;
};

/* `scratch` is room for one of them at a time. */
bool predicates_hold(const struct predicates *p, void *subject, struct buffer scratch);

#endif
