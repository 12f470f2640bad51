/*
 * The first line as a template, the rest as the value of its variables: whatever it is, it is compiled or refused, and what
 * it makes is its literals and its values in their order, or the buffer is full.
 */
#include <stdlib.h>

#include "gate/conf/template.h"

enum { ROOM = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static bool get(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    (void)rest;
    *value = *(struct span *)subject;
    return of > 0;
}

static const struct variable rows[] = {
    {"uri", get, 1}, {"none", get, 0},           {"http_", get, 1},
    {"1", get, 1},   {VARIABLE_CAPTURE, get, 1}, {0}};
static const struct span captures[] = {{(const uint8_t *)"name", 4}};
static const struct variables known = {
    .rows = rows, .captures = captures, .captures_count = 1};

/* The same, by hand. */
static size_t length_of(const struct template *t, struct span value)
{
    size_t sum = 0;

    for (uint32_t i = 0; i < t->count; i++)
        sum += !t->parts[i].variable      ? t->parts[i].literal.len
               : t->parts[i].variable->of ? value.len
                                          : 0;
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct span value = span_of(at, len), text = span_cut(&value, span_find(value, '\n'));
    struct arena arena = {0};
    struct template t = {0};
    struct fault why = {0};
    uint8_t room[ROOM];
    struct buffer out = buffer_over(room, sizeof room);
    enum rc rc = template_compile(&t, text, &known, &arena, &why);

    if (rc == RC_OK) {
        template_write(&t, &value, &out);
        if (out.len > ROOM || (!out.full && out.len != length_of(&t, value)))
            abort();
        if (template_is_constant(&t) && !span_equal(template_constant(&t), text))
            abort();
    } else if (!why.text[0]) {
        abort();
    }
    arena_clear(&arena);
    return 0;
}
