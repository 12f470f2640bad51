#include <stdio.h>

#include "base/test/check.h"
#include "gate/http/body.h"

static const struct {
    const char *what;
    enum framing framing;
    uint64_t length;
    const char *wire, *body, *rest;
    enum rc rc; /* of the last call */
} cases[] = {
    {"nothing", FRAMING_NONE, 0, "GET", "", "GET", RC_END},
    {"length 0", FRAMING_LENGTH, 0, "x", "", "x", RC_END},
    {"length", FRAMING_LENGTH, 4, "abcdGET /", "abcd", "GET /", RC_END},
    {"length, cut short", FRAMING_LENGTH, 9, "abcd", "abcd", "", RC_OK},
    {"until the end", FRAMING_CLOSE, 0, "abcd", "abcd", "", RC_OK},
    {"chunks", FRAMING_CHUNKED, 0, "3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\nGET", "abcde", "GET",
     RC_END},
    {"chunks, cut short", FRAMING_CHUNKED, 0, "3\r\nab", "ab", "", RC_OK},
    {"trailer", FRAMING_CHUNKED, 0, "1\r\na\r\n0\r\nA: b\r\n\r\nG", "a", "G", RC_END},
    {"broken", FRAMING_CHUNKED, 0, "3\r\nabcd", "", "", RC_FORMAT},
};

/* Feeds the wire in two parts and joins what comes out. */
static enum rc feed(size_t i, size_t cut_at, char *body, struct span *rest,
                    struct buffer *trailer)
{
    static char wire[200];
    struct body b = body_begin(cases[i].framing, cases[i].length);
    size_t len = strlen(cases[i].wire), ends[2] = {cut_at, len}, from = 0, out = 0;
    enum rc rc = RC_OK;

    memcpy(wire, cases[i].wire, len);
    for (int part = 0; part < 2 && !b.done; part++) {
        struct span in = span_of(wire + from, ends[part] - from);
        struct body_cut cut;

        rc = body_take(&b, &in, &cut, trailer);
        if (rc != RC_OK && rc != RC_END)
            return rc;
        for (int p = 0; p < cut.count; p++) {
            memcpy(body + out, cut.pieces[p].iov_base, cut.pieces[p].iov_len);
            out += cut.pieces[p].iov_len;
        }
        from = ends[part] - in.len;
    }
    body[out] = '\0';
    *rest = span_of(wire + from, len - from);
    return b.done ? RC_END : rc;
}

static void every_framing_at_every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t cut = 0; cut <= strlen(cases[i].wire); cut++) {
            char body[200] = "";
            struct span rest = {0};
            enum rc rc = feed(i, cut, body, &rest, NULL);

            check(cases[i].what, rc == cases[i].rc);
            check(cases[i].what, rc == RC_FORMAT || strcmp(body, cases[i].body) == 0);
            check(cases[i].what,
                  rc == RC_FORMAT || span_equal(rest, span_text(cases[i].rest)));
        }
    }
}

/* More chunks than pieces: nothing is lost, and the next call goes on. */
static void many_chunks_take_several_calls(void **state)
{
    static char wire[200000], large[1000];
    size_t len = 0, total = 0;
    struct body b = body_begin(FRAMING_CHUNKED, 0);
    struct span in;
    int calls = 0;

    (void)state;
    for (int i = 0; i < 150; i++)
        len += (size_t)sprintf(wire + len, "3e8\r\n%s%1000d\r\n", large, i);
    len += (size_t)sprintf(wire + len, "0\r\n\r\n");
    in = span_of(wire, len);
    while (!b.done) {
        struct body_cut cut;
        enum rc rc = body_take(&b, &in, &cut, NULL);

        assert_true(rc == RC_OK || rc == RC_END);
        assert_true(cut.count <= BODY_PIECES);
        total += cut.total;
        calls++;
    }
    assert_int_equal(total, 150000);
    assert_int_equal(calls, 3);
}

static void small_chunks_are_moved_together(void **state)
{
    char wire[] = "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n";
    struct body b = body_begin(FRAMING_CHUNKED, 0);
    struct span in = span_of(wire, sizeof wire - 1);
    struct body_cut cut;

    (void)state;
    assert_int_equal(body_take(&b, &in, &cut, NULL), RC_END);
    assert_int_equal(cut.count, 1);
    assert_memory_equal(cut.pieces[0].iov_base, "abc", 3);
}

static void join(const struct iovec *pieces, int count, char *text)
{
    for (int i = 0; i < count; i++) {
        memcpy(text, pieces[i].iov_base, pieces[i].iov_len);
        text += pieces[i].iov_len;
    }
    *text = '\0';
}

static void pieces_are_wrapped(void **state)
{
    char a[] = "0123456789abcdef", text[200], line[BODY_LINE];
    struct body_cut cut = {.pieces = {{a, 16}, {a, 3}}, .count = 2, .total = 19}, none = {0};
    struct iovec out[BODY_WRAPPED + 3];

    (void)state;
    join(out, body_wrap(&cut, false, (struct span){0}, line, out), text);
    assert_string_equal(text, "13\r\n0123456789abcdef012\r\n");
    join(out, body_wrap(&cut, true, SPAN("A: b\r\n"), line, out), text);
    assert_string_equal(text, "13\r\n0123456789abcdef012\r\n0\r\nA: b\r\n\r\n");
    join(out, body_wrap(&none, true, (struct span){0}, line, out), text);
    assert_string_equal(text, "0\r\n\r\n");
    assert_int_equal(body_wrap(&none, false, (struct span){0}, line, out), 0);
}

static void trailers_are_filtered(void **state)
{
    char room[200];
    struct buffer out = buffer_over(room, sizeof room);

    (void)state;
    body_filter_trailer(SPAN("X-Sum: 12\r\nContent-Length: 5\r\nHost: a\r\nno colon\r\n"
                             "bad name: x\r\nX-Bare: a\rb\r\nX-Nul: a\r\nlf-only: x\n\r\n"),
                        &out);
    assert_true(span_equal(buffer_span(&out), SPAN("X-Sum: 12\r\nX-Nul: a\r\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_framing_at_every_cut),
        cmocka_unit_test(many_chunks_take_several_calls),
        cmocka_unit_test(small_chunks_are_moved_together),
        cmocka_unit_test(pieces_are_wrapped),
        cmocka_unit_test(trailers_are_filtered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
