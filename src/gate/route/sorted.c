#include "gate/route/sorted.h"

int sorted_compare(struct span a, struct span b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared > 0 ? memcmp(a.at, b.at, shared) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

size_t sorted_floor(const struct sorted *s, struct span text)
{
    size_t first = 0, end = s->count; /* the first row behind `text` is in first .. end */

    while (first < end) {
        size_t middle = first + (end - first) / 2;

        if (sorted_compare(s->rows[middle].text, text) <= 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first > 0 ? first - 1 : SORTED_NONE;
}

void *sorted_find(const struct sorted *s, struct span text)
{
    size_t at = sorted_floor(s, text);

    return at != SORTED_NONE && span_equal(s->rows[at].text, text) ? s->rows[at].of : NULL;
}

struct sorted_row *sorted_insert(struct sorted *s, struct span text, struct arena *arena)
{
    size_t at = sorted_floor(s, text);

    if (at != SORTED_NONE && span_equal(s->rows[at].text, text))
        return &s->rows[at];
    if ((s->count & (s->count - 1)) == 0) { /* 0 or a power of two: full */
        struct sorted_row *rows =
            arena_take_array(arena, s->count ? 2 * s->count : 1, sizeof *rows);

        if (!rows)
            return NULL;
        if (s->count > 0)
            memcpy(rows, s->rows, s->count * sizeof *rows);
        s->rows = rows;
    }
    at = at == SORTED_NONE ? 0 : at + 1;
    memmove(&s->rows[at + 1], &s->rows[at], (s->count - at) * sizeof *s->rows);
    s->count++;
    s->rows[at] = (struct sorted_row){.text = text};
    return &s->rows[at];
}
