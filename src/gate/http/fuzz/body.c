/*
 * A chunked body, taken in pieces, wrapped anew and taken again: the same bytes and the same trailer fields,
 * however the first was cut. The first byte of the input says where.
 */
#include <assert.h>
#include <stdlib.h>

#include "gate/http/body.h"

enum { INPUT_MAX = 8192, WRAPPED_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

struct taken {
    uint8_t body[INPUT_MAX], trailer[INPUT_MAX], wrapped[WRAPPED_MAX];
    struct buffer bytes, section, out;
    enum rc rc;
};

static void add_wrapped(struct taken *t, const struct body_cut *cut, bool last,
                        struct span trailer)
{
    char line[BODY_LINE];
    struct iovec out[BODY_WRAPPED + 3];
    int count = body_wrap(cut, last, trailer, line, out);

    assert(count >= 0 && count <= BODY_WRAPPED + 3);
    for (int i = 0; i < count; i++)
        buffer_add(&t->out, span_of(out[i].iov_base, out[i].iov_len));
}

static void add_cut(struct taken *t, const struct body_cut *cut)
{
    size_t total = 0;

    assert(cut->count <= BODY_PIECES);
    for (int i = 0; i < cut->count; i++) {
        buffer_add(&t->bytes, span_of(cut->pieces[i].iov_base, cut->pieces[i].iov_len));
        total += cut->pieces[i].iov_len;
    }
    assert(total == cut->total);
}

/* All of a piece; the end of the body, and what may pass of its trailer, is wrapped with the last of it. */
static void take_piece(struct body *body, struct span in, struct taken *t)
{
    do {
        struct body_cut cut;
        uint8_t room[INPUT_MAX];
        struct buffer trailer = buffer_over(room, sizeof room);

        t->rc = body_take(body, &in, &cut, &t->section);
        add_cut(t, &cut);
        if (t->rc == RC_END)
            body_filter_trailer(buffer_span(&t->section), &trailer);
        if (t->rc == RC_OK || t->rc == RC_END)
            add_wrapped(t, &cut, t->rc == RC_END, buffer_span(&trailer));
    } while (t->rc == RC_OK && in.len > 0);
}

/* body_take writes into its input, so that it gets copies, of their exact size. */
static void take(struct span in, size_t step, struct taken *t)
{
    struct body body = body_begin(FRAMING_CHUNKED, 0);

    t->bytes = buffer_over(t->body, sizeof t->body);
    t->section = buffer_over(t->trailer, sizeof t->trailer);
    t->out = buffer_over(t->wrapped, sizeof t->wrapped);
    t->rc = RC_OK;
    while (in.len > 0 && t->rc == RC_OK) {
        struct span piece = span_cut(&in, step);
        uint8_t *copy = malloc(piece.len);

        assert(copy);
        memcpy(copy, piece.at, piece.len);
        take_piece(&body, span_of(copy, piece.len), t);
        free(copy);
    }
    assert(!t->bytes.full && !t->section.full && !t->out.full);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    static struct taken first, again;

    if (len < 1 || len > INPUT_MAX)
        return 0;
    take(span_of(at + 1, len - 1), 1 + at[0] % 64, &first);
    take(span_of(at + 1, len - 1), INPUT_MAX, &again);
    assert(first.rc == again.rc);
    assert(span_equal(buffer_span(&first.bytes), buffer_span(&again.bytes)));
    if (first.rc != RC_END)
        return 0;
    assert(first.out.len <= INPUT_MAX * 16);
    take(buffer_span(&first.out), WRAPPED_MAX, &again);
    assert(again.rc == RC_END);
    assert(span_equal(buffer_span(&first.bytes), buffer_span(&again.bytes)));
    return 0;
}
