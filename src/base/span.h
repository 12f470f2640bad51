/* A view of bytes that somebody else owns. {0} is the empty view. */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct span {
    const uint8_t *at;
    size_t len;
};

/* For printf: "%.*s", SPAN_ARG(s) */
#define SPAN_ARG(s) (int)(s).len, (const char *)(s).at

/* A string literal as a view, without its NUL. */
#define SPAN(literal) ((struct span){(const uint8_t *)("" literal), sizeof(literal) - 1})

static inline struct span span_of(const void *at, size_t len)
{
    return (struct span){at, len};
}

static inline struct span span_text(const char *text)
{
    return (struct span){(const uint8_t *)text, text ? strlen(text) : 0};
}

/* The first `len` bytes, or all where there are fewer; `s` then begins behind them. */
static inline struct span span_cut(struct span *s, uint64_t len)
{
    struct span head = {s->at, len < s->len ? (size_t)len : s->len};

    if (head.len > 0)
        s->at += head.len;
    s->len -= head.len;
    return head;
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* ASCII letters of either case are equal. */
static inline bool span_equal_nocase(struct span a, struct span b)
{
    return a.len == b.len &&
           (a.len == 0 || strncasecmp((const char *)a.at, (const char *)b.at, a.len) == 0);
}

static inline bool span_starts(struct span s, struct span prefix)
{
    return s.len >= prefix.len &&
           (prefix.len == 0 || memcmp(s.at, prefix.at, prefix.len) == 0);
}

/* Where `byte` first stands, or s.len. */
static inline size_t span_find(struct span s, uint8_t byte)
{
    const uint8_t *hit = s.len > 0 ? memchr(s.at, byte, s.len) : NULL;

    return hit ? (size_t)(hit - s.at) : s.len;
}

#endif
