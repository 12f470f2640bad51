#include "gate/transform/recode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NO_CODE = 0x10000 }; /* and beyond: no table has it */

struct recode {
    struct transform base;
    const struct recode_map *map;
    bool back;
    uint8_t held[4]; /* the beginning of a character */
    size_t held_len;
};

struct recode_map *recode_map_make(struct span from, struct span to, struct arena *arena)
{
    struct recode_map *map = arena_take(arena, sizeof *map);

    if (!map || !(map->pages[0] = arena_take(arena, 256)))
        return NULL;
    map->from = from;
    map->to = to;
    map->to_utf8 = span_equal_nocase(to, SPAN("utf-8"));
    for (unsigned i = 0; i < 256; i++) {
        const uint8_t byte = i < 0x80 ? (uint8_t)i : '?';

        map->there[i] = map->back[i] = byte;
        map->texts[i] = (struct recode_text){1, {byte}};
        map->pages[0][i] = i < 0x80 ? byte : 0;
    }
    return map;
}

/* How long the character is that begins so; 0: none does. */
static size_t length_of(uint8_t first)
{
    return first < 0x80                     ? 1
           : first >= 0xc2 && first <= 0xdf ? 2
           : first >> 4 == 0xe              ? 3
           : first >= 0xf0 && first <= 0xf4 ? 4
                                            : 0;
}

/* The code of a whole character; false: it is none. */
static bool decode(const uint8_t *at, size_t len, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

    *code = len == 1 ? at[0] : at[0] & (0x7f >> len);
    for (size_t i = 1; i < len; i++) {
        if (at[i] >> 6 != 2)
            return false;
        *code = *code << 6 | (at[i] & 0x3f);
    }
    return *code >= least[len] && *code <= 0x10ffff && *code >> 11 != 0xd800 >> 11;
}

enum rc recode_map_add(struct recode_map *map, uint8_t byte, struct span text,
                       struct arena *arena)
{
    uint32_t code;

    if (!map->to_utf8) {
        if (text.len != 1)
            return RC_FORMAT;
        map->there[byte] = text.at[0];
        map->back[text.at[0]] = byte;
        return RC_OK;
    }
    if (text.len == 0 || text.len > 4 || length_of(text.at[0]) != text.len ||
        !decode(text.at, text.len, &code) || code >= NO_CODE)
        return RC_FORMAT;
    map->texts[byte].len = (uint8_t)text.len;
    memcpy(map->texts[byte].bytes, text.at, text.len);
    if (!map->pages[code >> 8] && !(map->pages[code >> 8] = arena_take(arena, 256)))
        return RC_MEMORY;
    map->pages[code >> 8][code & 0xff] = byte;
    return RC_OK;
}

static void add_code(const struct recode_map *map, uint32_t code, struct text *out)
{
    const uint8_t *page = code < NO_CODE ? map->pages[code >> 8] : NULL;
    char entity[16];

    if (page && page[code & 0xff]) {
        text_add(out, span_of(&page[code & 0xff], 1));
        return;
    }
    snprintf(entity, sizeof entity, "&#%u;", (unsigned)code);
    text_add(out, span_text(entity));
}

/* One byte more of UTF-8; a byte that fits nowhere is a '?' with all that was held. */
static void take_utf8(struct recode *r, uint8_t byte, struct text *out)
{
    uint32_t code;
    size_t len;

    if (r->held_len > 0 && byte >> 6 != 2) { /* the one before it is cut short */
        r->held_len = 0;
        text_add(out, SPAN("?"));
    }
    r->held[r->held_len++] = byte;
    len = length_of(r->held[0]);
    if (len > r->held_len)
        return;
    r->held_len = 0;
    if (len > 0 && decode(r->held, len, &code))
        add_code(r->map, code, out);
    else
        text_add(out, SPAN("?"));
}

static void take(struct recode *r, uint8_t byte, struct text *out)
{
    const struct recode_map *map = r->map;

    if (map->to_utf8 && r->back)
        take_utf8(r, byte, out);
    else if (map->to_utf8)
        text_add(out, span_of(map->texts[byte].bytes, map->texts[byte].len));
    else
        text_add(out, span_of(r->back ? &map->back[byte] : &map->there[byte], 1));
}

static enum rc push(struct transform *t, struct span in, bool last, struct text *out)
{
    struct recode *r = (struct recode *)t;

    for (size_t i = 0; i < in.len; i++)
        take(r, in.at[i], out);
    if (last && r->held_len > 0)
        text_add(out, SPAN("?"));
    return RC_OK;
}

static void close_it(struct transform *t)
{
    free(t);
}

static const struct transform_kind kind = {"charset_map", push, close_it};

struct transform *transform_recode(const struct recode_map *map, bool back)
{
    struct recode *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->base.kind = &kind;
    r->map = map;
    r->back = back;
    return &r->base;
}
