#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "gate/transform/transform.h"

struct replace {
    struct transform base;
    struct transform_pair *pairs; /* `from` in lower case, in memory of its own */
    bool *done;                   /* with `once`: it has stood somewhere */
    size_t count, longest;
    bool once;
    bool ends[256]; /* the byte is the last one of a text, in either case */
    uint8_t *held;  /* bytes that may be the beginning of a text: longest - 1 at most */
    size_t held_len;
};

static bool equal(const uint8_t *at, struct span lower)
{
    for (size_t i = 0; i < lower.len; i++)
        if (tolower(at[i]) != lower.at[i])
            return false;
    return true;
}

/* The longest text that ends in front of `end` and does not begin before `begin`; count where there is none. */
static size_t find(const struct replace *r, const uint8_t *begin, const uint8_t *end)
{
    size_t found = r->count;

    for (size_t i = 0; i < r->count; i++) {
        const struct span from = r->pairs[i].from;

        if (r->done[i] || from.len > (size_t)(end - begin) ||
            (found < r->count && from.len <= r->pairs[found].from.len))
            continue;
        if (equal(end - from.len, from))
            found = i;
    }
    return found;
}

/* Held bytes and new ones in one row. */
static void replace_in(struct replace *r, struct span row, size_t fresh, bool last,
                       struct text *out)
{
    const uint8_t *begin = row.at, *const end = row.at + row.len;
    size_t keep;

    for (const uint8_t *at = row.at + fresh; at < end; at++) {
        size_t found;

        if (!r->ends[*at] || (found = find(r, begin, at + 1)) == r->count)
            continue;
        text_add(out, span_of(begin, (size_t)(at + 1 - begin) - r->pairs[found].from.len));
        text_add(out, r->pairs[found].to);
        r->done[found] = r->once;
        begin = at + 1;
    }
    keep = (size_t)(end - begin) < r->longest - 1 ? (size_t)(end - begin) : r->longest - 1;
    if (last)
        keep = 0;
    text_add(out, span_of(begin, (size_t)(end - begin) - keep));
    memmove(r->held, end - keep, keep);
    r->held_len = keep;
}

static enum rc push(struct transform *t, struct span in, bool last, struct text *out)
{
    struct replace *r = (struct replace *)t;

    do {
        uint8_t row[TRANSFORM_AT_ONCE];
        const size_t held = r->held_len;
        struct span piece = span_cut(&in, sizeof row - held);

        memcpy(row, r->held, held);
        if (piece.len > 0)
            memcpy(row + held, piece.at, piece.len);
        replace_in(r, span_of(row, held + piece.len), held, last && in.len == 0, out);
    } while (in.len > 0);
    return RC_OK;
}

static void close_it(struct transform *t)
{
    struct replace *r = (struct replace *)t;

    for (size_t i = 0; r->pairs && i < r->count; i++)
        free((void *)(uintptr_t)r->pairs[i].from.at);
    free(r->pairs);
    free(r->done);
    free(r->held);
    free(r);
}

static const struct transform_kind kind = {"sub_filter", push, close_it};

static bool copy_pair(struct replace *r, size_t i, const struct transform_pair *pair)
{
    uint8_t *lower = malloc(pair->from.len);

    if (!lower)
        return false;
    for (size_t b = 0; b < pair->from.len; b++)
        lower[b] = (uint8_t)tolower(pair->from.at[b]);
    r->pairs[i] = (struct transform_pair){span_of(lower, pair->from.len), pair->to};
    r->ends[lower[pair->from.len - 1]] = true;
    r->ends[toupper(lower[pair->from.len - 1])] = true;
    r->longest = pair->from.len > r->longest ? pair->from.len : r->longest;
    return true;
}

struct transform *transform_replace(const struct transform_pair *pairs, size_t count,
                                    bool once)
{
    struct replace *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->base.kind = &kind;
    r->once = once;
    r->pairs = calloc(count, sizeof *r->pairs);
    r->done = calloc(count, sizeof *r->done);
    for (; r->pairs && r->done && r->count < count; r->count++)
        if (!copy_pair(r, r->count, &pairs[r->count]))
            break;
    r->held = r->count == count && r->longest > 0 ? malloc(r->longest) : NULL;
    if (!r->held) {
        close_it(&r->base);
        return NULL;
    }
    return &r->base;
}
