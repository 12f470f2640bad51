#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Room for `more` bytes and a NUL. */
static bool reserve(struct text *t, size_t more)
{
    size_t need, size = t->size ? t->size : 64;
    char *at;

    if (t->failed || __builtin_add_overflow(t->len, more, &need) || need > SIZE_MAX / 4) {
        t->failed = true;
        return false;
    }
    if (need < t->size)
        return true;
    while (size <= need)
        size *= 2;
    if (!(at = realloc(t->at, size))) {
        t->failed = true;
        return false;
    }
    t->at = at;
    t->size = size;
    return true;
}

void text_add(struct text *t, struct span s)
{
    if (!reserve(t, s.len))
        return;
    if (s.len > 0)
        memcpy(t->at + t->len, s.at, s.len);
    t->len += s.len;
    t->at[t->len] = '\0';
}

void text_add_char(struct text *t, char c)
{
    text_add(t, span_of(&c, 1));
}

void text_vprintf(struct text *t, const char *format, va_list args)
{
    va_list again;
    int len;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (len < 0 || !reserve(t, (size_t)len)) {
        t->failed = true;
        return;
    }
    vsnprintf(t->at + t->len, (size_t)len + 1, format, args);
    t->len += (size_t)len;
}

void text_printf(struct text *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    text_vprintf(t, format, args);
    va_end(args);
}

void text_reset(struct text *t)
{
    t->len = 0;
    t->failed = false;
    if (t->at)
        t->at[0] = '\0';
}

void text_clear(struct text *t)
{
    free(t->at);
    *t = (struct text){0};
}
