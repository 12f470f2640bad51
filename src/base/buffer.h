/* Bytes added one after the other to room of a fixed size; what does not fit sets `full` and is left out. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/span.h"

struct buffer {
    uint8_t *at;
    size_t len, size;
    bool full;
};

static inline struct buffer buffer_over(void *at, size_t size)
{
    return (struct buffer){.at = at, .size = size};
}

static inline void buffer_add(struct buffer *b, struct span s)
{
    if (s.len > b->size - b->len) {
        b->full = true;
        return;
    }
    if (s.len > 0)
        memcpy(b->at + b->len, s.at, s.len);
    b->len += s.len;
}

static inline void buffer_add_byte(struct buffer *b, uint8_t byte)
{
    if (b->len == b->size)
        b->full = true;
    else
        b->at[b->len++] = byte;
}

static inline void buffer_add_text(struct buffer *b, const char *text)
{
    buffer_add(b, span_text(text));
}

static inline void buffer_add_number(struct buffer *b, uint64_t number)
{
    uint8_t digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buffer_add(b, span_of(digits + at, sizeof digits - at));
}

static inline struct span buffer_span(const struct buffer *b)
{
    return span_of(b->at, b->len);
}

#endif
