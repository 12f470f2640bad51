/* charset_map: the same bytes whatever the steps in which the body comes; what goes there comes back. */
#include <assert.h>
#include <string.h>

#include "base/scoped.h"
#include "gate/transform/recode.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void run(const struct recode_map *map, bool back, struct span body, size_t step,
                struct text *all)
{
    struct transform *t = transform_recode(map, back);

    assert(t);
    do {
        struct span piece = span_cut(&body, step);

        assert(transform_push(t, piece, body.len == 0) == RC_OK);
        text_add(all, text_span(&t->out));
    } while (body.len > 0);
    transform_close(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct span in = span_of(at, len), head = span_cut(&in, 6);
    SCOPED(arena) arena = {0};
    struct text one = {0}, other = {0};
    struct recode_map *map;
    bool utf8, back;

    if (head.len < 6)
        return 0;
    utf8 = head.at[0] & 1;
    back = head.at[0] & 2;
    map = recode_map_make(SPAN("a"), utf8 ? SPAN("UTF-8") : SPAN("b"), &arena);
    assert(map);
    (void)recode_map_add(map, head.at[1], span_of(head.at + 2, (head.at[0] >> 2) % 5), &arena);
    run(map, back, in, in.len + 1, &one);
    run(map, back, in, 1, &other);
    assert(span_equal(text_span(&one), text_span(&other)));
    text_clear(&one);
    text_clear(&other);
    return 0;
}
