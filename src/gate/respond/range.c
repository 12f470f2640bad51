#include "gate/respond/range.h"

#include <sys/random.h>
#include <time.h>

static void skip_blanks(struct span *s)
{
    while (s->len > 0 && s->at[0] == ' ')
        span_cut(s, 1);
}

static bool skip_byte(struct span *s, uint8_t byte)
{
    if (s->len == 0 || s->at[0] != byte)
        return false;
    span_cut(s, 1);
    return true;
}

/* One digit or more, below 2^63. */
static bool number(struct span *s, uint64_t *value)
{
    bool any = false;

    for (*value = 0; s->len > 0 && s->at[0] >= '0' && s->at[0] <= '9'; span_cut(s, 1)) {
        if (*value > (INT64_MAX - 9) / 10)
            return false;
        *value = *value * 10 + (s->at[0] - '0');
        any = true;
    }
    return any;
}

/* "-N": the last N bytes. "A-": from A on. "A-B". What is beyond the end is cut off. */
static bool one_range(struct span *s, uint64_t size, struct range *range)
{
    uint64_t last;

    skip_blanks(s);
    if (skip_byte(s, '-')) {
        if (!number(s, &last))
            return false;
        *range = (struct range){last < size ? size - last : 0, size};
    } else {
        if (!number(s, &range->first))
            return false;
        skip_blanks(s);
        if (!skip_byte(s, '-'))
            return false;
        skip_blanks(s);
        range->end = size;
        if (s->len > 0 && s->at[0] != ',') {
            if (!number(s, &last))
                return false;
            range->end = last < size ? last + 1 : size;
        }
    }
    skip_blanks(s);
    return s->len == 0 || s->at[0] == ',';
}

unsigned range_parse(struct span value, uint64_t size, struct range *ranges, size_t max,
                     size_t *count)
{
    uint64_t left = size;
    bool overlap = false;

    *count = 0;
    if (value.len < 7 || !span_equal_nocase(span_cut(&value, 6), SPAN("bytes=")))
        return 200;
    do {
        struct range range;

        if (!one_range(&value, size, &range))
            return 416;
        if (range.first < range.end) {
            if (*count == max)
                return 200;
            ranges[(*count)++] = range;
            overlap |= range.end - range.first > left;
            if (!overlap)
                left -= range.end - range.first;
        } else if (range.first == 0) {
            return 200; /* of nothing: the whole is nothing, too */
        }
    } while (skip_byte(&value, ','));
    if (overlap)
        return 200; /* the whole is shorter than all the parts */
    return *count > 0 ? 206 : 416;
}

uint64_t range_first(struct span value)
{
    uint64_t first;

    if (!span_equal_nocase(span_cut(&value, 6), SPAN("bytes=")))
        return 0;
    skip_blanks(&value);
    return number(&value, &first) && span_find(value, ',') == value.len ? first : 0;
}

enum rc range_parse_content(struct span value, struct range *range, uint64_t *whole)
{
    uint64_t last;

    if (!span_equal_nocase(span_cut(&value, 6), SPAN("bytes ")))
        return RC_FORMAT;
    skip_blanks(&value);
    if (!number(&value, &range->first))
        return RC_FORMAT;
    skip_blanks(&value);
    if (!skip_byte(&value, '-'))
        return RC_FORMAT;
    skip_blanks(&value);
    if (!number(&value, &last))
        return RC_FORMAT;
    skip_blanks(&value);
    if (!skip_byte(&value, '/'))
        return RC_FORMAT;
    skip_blanks(&value);
    if (!number(&value, whole) || value.len > 0 || last < range->first || last >= *whole)
        return RC_FORMAT;
    range->end = last + 1;
    return RC_OK;
}

void range_write(const struct range *range, uint64_t size, struct buffer *out)
{
    buffer_add_text(out, "bytes ");
    buffer_add_number(out, range->first);
    buffer_add_byte(out, '-');
    buffer_add_number(out, range->end - 1);
    buffer_add_byte(out, '/');
    buffer_add_number(out, size);
}

void range_write_unsatisfied(uint64_t size, struct buffer *out)
{
    buffer_add_text(out, "bytes */");
    buffer_add_number(out, size);
}

void range_boundary(char boundary[RANGE_BOUNDARY_LEN])
{
    uint8_t random[RANGE_BOUNDARY_LEN] = {0};

    /* Where the system has none, the boundary is guessable: still well formed. */
    if (getrandom(random, sizeof random, GRND_NONBLOCK) < 0)
        random[0] = (uint8_t)time(NULL);
    for (size_t i = 0; i < RANGE_BOUNDARY_LEN; i++)
        boundary[i] = (char)('0' + random[i] % 10);
}

void range_part(const char *boundary, struct span type, const struct range *range,
                uint64_t size, struct buffer *out)
{
    buffer_add_text(out, "\r\n--");
    buffer_add(out, span_of(boundary, RANGE_BOUNDARY_LEN));
    if (type.len > 0) {
        buffer_add_text(out, "\r\nContent-Type: ");
        buffer_add(out, type);
    }
    buffer_add_text(out, "\r\nContent-Range: ");
    range_write(range, size, out);
    buffer_add_text(out, "\r\n\r\n");
}

void range_last(const char *boundary, struct buffer *out)
{
    buffer_add_text(out, "\r\n--");
    buffer_add(out, span_of(boundary, RANGE_BOUNDARY_LEN));
    buffer_add_text(out, "--\r\n");
}

uint64_t range_body_length(const char *boundary, struct span type, const struct range *ranges,
                           size_t count, uint64_t size)
{
    char room[RANGE_PART_MAX];
    struct buffer part = buffer_over(room, sizeof room);
    uint64_t length;

    range_last(boundary, &part);
    length = part.len;
    for (size_t i = 0; i < count; i++) {
        const struct span line = type.len > 0 ? SPAN("\r\nContent-Type: ") : SPAN("");

        part.len = 0;
        range_part(boundary, (struct span){0}, &ranges[i], size, &part);
        length += part.len + line.len + type.len + (ranges[i].end - ranges[i].first);
    }
    return length;
}
