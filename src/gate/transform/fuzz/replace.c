/*
 * sub_filter: the same bytes whatever the steps in which the body comes. The input: how many steps, then two texts to
 * be replaced and the body, each behind a zero byte.
 */
#include <assert.h>

#include "gate/transform/transform.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void run(const struct transform_pair *pairs, size_t count, bool once, struct span body,
                size_t step, struct text *all)
{
    struct transform *t = transform_replace(pairs, count, once);

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
    struct span in = span_of(at, len);
    struct transform_pair pairs[2] = {{.to = SPAN("<new>")}, {.to = SPAN("")}};
    struct text one = {0}, other = {0};
    size_t count = 0, step;
    bool once;

    if (in.len < 2)
        return 0;
    step = 1u + *span_cut(&in, 1).at;
    once = *span_cut(&in, 1).at & 1;
    for (; count < 2; count++) {
        pairs[count].from = span_cut(&in, span_find(in, 0));
        span_cut(&in, 1);
        if (pairs[count].from.len == 0 || pairs[count].from.len > 1000)
            break;
    }
    if (count == 0)
        return 0;
    run(pairs, count, once, in, step, &one);
    run(pairs, count, once, in, SIZE_MAX, &other);
    assert(span_equal(text_span(&one), text_span(&other)));
    text_clear(&one);
    text_clear(&other);
    return 0;
}
