/*
 * A text that grows: one owner, cleared with text_clear. A failure to get memory is kept and
 * told once, by text_ok, so that a run of appends needs one check.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

struct text {
    char *at; /* NUL-terminated once anything was added; NULL before */
    size_t len, size;
    bool failed;
};

void text_add(struct text *t, struct span s);
void text_add_char(struct text *t, char c);
void text_printf(struct text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void text_vprintf(struct text *t, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Empty, with its room kept. */
void text_reset(struct text *t);

/* False when an append since the start or the last reset found no memory. */
static inline bool text_ok(const struct text *t)
{
    return !t->failed;
}

static inline struct span text_span(const struct text *t)
{
    return span_of(t->at, t->len);
}

void text_clear(struct text *t);

#endif
