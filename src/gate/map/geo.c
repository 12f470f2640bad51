#include "gate/map/geo.h"

#include <stdlib.h>

enum { V4_BITS = 32 };

static const struct cidr_address nowhere = {.bits = V4_BITS, .bytes = {255, 255, 255, 255}};

static int compare(const struct cidr_address *a, const struct cidr_address *b)
{
    if (a->bits != b->bits)
        return a->bits < b->bits ? -1 : 1;
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

struct geo_entry geo_entry_of(const struct cidr *network)
{
    struct geo_entry entry = {
        .first = network->first, .last = network->first, .prefix = network->prefix};

    for (unsigned bit = network->prefix; bit < network->first.bits; bit++)
        entry.last.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    return entry;
}

static bool parse_v4(struct span text, struct cidr_address *address)
{
    return span_find(text, ':') == text.len && cidr_parse_address(text, address) == RC_OK;
}

enum rc geo_parse_range(struct span text, struct geo_entry *entry)
{
    struct span first = span_cut(&text, span_find(text, '-'));
    struct geo_entry made = {.prefix = 0};

    span_cut(&text, 1);
    if (!parse_v4(first, &made.first) || !parse_v4(text, &made.last) ||
        compare(&made.first, &made.last) > 0)
        return RC_FORMAT;
    *entry = made;
    return RC_OK;
}

/* The index of the first row behind the address. */
static size_t behind(const struct geo_row *rows, size_t count,
                     const struct cidr_address *address)
{
    size_t first = 0, end = count;

    while (first < end) {
        size_t middle = first + (end - first) / 2;

        if (compare(&rows[middle].first, address) <= 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static int compare_rows(const void *a, const void *b)
{
    return compare(&((const struct geo_row *)a)->first, &((const struct geo_row *)b)->first);
}

static int compare_prefixes(const void *a, const void *b)
{
    const struct geo_entry *one = a, *other = b;

    if (one->prefix != other->prefix)
        return (int)one->prefix - (int)other->prefix;
    return one->order < other->order ? -1 : 1;
}

/* The next address of the family; false behind the last one. */
static bool next_address(struct cidr_address *address)
{
    for (size_t i = address->bits / 8; i-- > 0;)
        if (++address->bytes[i] != 0)
            return true;
    return false;
}

/* A row wherever the answer may change. */
static void collect_rows(struct geo *geo, const struct geo_entry *entries, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        struct cidr_address next = entries[i].last;

        geo->rows[geo->count++].first = entries[i].first;
        if (next_address(&next))
            geo->rows[geo->count++].first = next;
    }
    qsort(geo->rows, geo->count, sizeof *geo->rows, compare_rows);
    for (size_t i = 0; i < geo->count; i++)
        if (kept == 0 || compare_rows(&geo->rows[kept - 1], &geo->rows[i]) != 0)
            geo->rows[kept++] = geo->rows[i];
    geo->count = kept;
}

/* The first row from `at` on that has no entry yet; what was walked is made shorter for the next time. */
static size_t skip(size_t *next, size_t at)
{
    while (next[at] != at) {
        next[at] = next[next[at]];
        at = next[at];
    }
    return at;
}

enum rc geo_build(struct geo *geo, struct geo_entry *entries, size_t count,
                  struct arena *arena)
{
    size_t *next;

    geo->count = 0;
    if (count == 0)
        return RC_OK;
    if (!(geo->rows = arena_take_array(arena, count, 2 * sizeof *geo->rows)))
        return RC_MEMORY;
    collect_rows(geo, entries, count);
    if (!(next = malloc((geo->count + 1) * sizeof *next)))
        return RC_MEMORY;
    for (size_t i = 0; i <= geo->count; i++)
        next[i] = i;
    for (size_t i = 0; i < count; i++)
        entries[i].order = i;
    if (!geo->ranges)
        qsort(entries, count, sizeof *entries, compare_prefixes);
    for (size_t i = count; i-- > 0;) { /* the strongest first: the others get what it leaves */
        size_t end = behind(geo->rows, geo->count, &entries[i].last);
        size_t at = behind(geo->rows, geo->count, &entries[i].first) - 1;

        for (at = skip(next, at); at < end; at = skip(next, at)) {
            geo->rows[at].entry = &entries[i];
            next[at] = at + 1;
        }
    }
    free(next);
    return RC_OK;
}

struct span geo_find(const struct geo *geo, const struct cidr_address *address)
{
    const struct cidr_address *of =
        address->bits == 0 || (geo->ranges && address->bits != V4_BITS) ? &nowhere : address;
    size_t at = behind(geo->rows, geo->count, of);

    if (at == 0 || geo->rows[at - 1].first.bits != of->bits || !geo->rows[at - 1].entry)
        return geo->other;
    return geo->rows[at - 1].entry->value;
}
