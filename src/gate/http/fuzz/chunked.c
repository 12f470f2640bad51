/* Chunked bodies: whole, cut at some places and byte by byte, the answer is the same. */
#include <assert.h>
#include <stdlib.h>

#include "gate/http/chunked.h"

enum { INPUT_MAX = 16384 };

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

struct decoded {
    uint8_t body[INPUT_MAX], trailer[INPUT_MAX];
    size_t body_len, trailer_len, used;
    enum rc rc;
};

static void gather(uint8_t *to, size_t *to_len, struct span s)
{
    assert(s.len <= INPUT_MAX - *to_len);
    if (s.len > 0)
        memcpy(to + *to_len, s.at, s.len);
    *to_len += s.len;
}

static void feed(struct chunked *c, struct span in, struct decoded *out)
{
    size_t before = in.len;

    do {
        struct span body = {0}, trailer = {0};

        out->rc = chunked_next(c, &in, &body, &trailer);
        gather(out->trailer, &out->trailer_len, trailer);
        if (out->rc == RC_OK) {
            assert(body.len > 0);
            gather(out->body, &out->body_len, body);
        }
    } while (out->rc == RC_OK);
    assert(out->rc != RC_AGAIN || in.len == 0);
    out->used += before - in.len;
}

/* In pieces of `step` bytes. */
static void decode(const uint8_t *at, size_t len, size_t step, struct decoded *out)
{
    struct chunked c = {0};
    struct span rest = span_of(at, len);

    out->body_len = out->trailer_len = out->used = 0;
    out->rc = RC_AGAIN;
    while (rest.len > 0 && out->rc == RC_AGAIN)
        feed(&c, span_cut(&rest, step), out);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    static struct decoded whole, pieces;
    static const size_t steps[] = {1, 2, 3, 7, 16};

    if (len > INPUT_MAX)
        return 0;
    decode(at, len, INPUT_MAX, &whole);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        decode(at, len, steps[i], &pieces);
        assert(pieces.rc == whole.rc && pieces.used == whole.used);
        assert(span_equal(span_of(pieces.body, pieces.body_len),
                          span_of(whole.body, whole.body_len)));
        assert(span_equal(span_of(pieces.trailer, pieces.trailer_len),
                          span_of(whole.trailer, whole.trailer_len)));
    }
    return 0;
}
