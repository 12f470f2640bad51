#include <stdio.h>
#include <stdlib.h>

#include "base/test/check.h"
#include "gate/http/chunked.h"

#define TEXT(literal) literal, sizeof(literal) - 1

static const struct {
    const char *what, *wire;
    size_t len;
    const char *body, *trailer;
    enum rc rc;
    size_t rest; /* bytes behind the end */
} cases[] = {
    {"two chunks", TEXT("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), "abcde", "\r\n", RC_END, 0},
    {"nothing", TEXT("0\r\n\r\n"), "", "\r\n", RC_END, 0},
    {"what follows is left alone", TEXT("0\r\n\r\nGET /"), "", "\r\n", RC_END, 5},
    {"extension and trailer", TEXT("1 ;x=\"y\"\r\nz\r\n0;a\r\nA: b\r\nC:\r\n\r\n"), "z",
     "A: b\r\nC:\r\n\r\n", RC_END, 0},
    {"tab before an extension", TEXT("1\t;\tx\r\nz\r\n0\r\n\r\n"), "z", "\r\n", RC_END, 0},
    {"hexadecimal in both cases", TEXT("A\r\n0123456789\r\n00000a\r\n0123456789\r\n0\r\n\r\n"),
     "01234567890123456789", "\r\n", RC_END, 0},
    {"CR LF in the body", TEXT("4\r\n\r\n\r\n\r\n0\r\n\r\n"), "\r\n\r\n", "\r\n", RC_END, 0},
    {"size of 15 digits", TEXT("000000000000001\r\nz"), "z", "", RC_AGAIN, 0},
    {"cut short", TEXT("5\r\nab"), "ab", "", RC_AGAIN, 0},
    {"no last empty line", TEXT("0\r\nA: b\r\n"), "", "A: b\r\n", RC_AGAIN, 0},
    {"no size", TEXT(";x\r\n"), "", "", RC_FORMAT, 0},
    {"empty size", TEXT("\r\n"), "", "", RC_FORMAT, 0},
    {"blank before the size", TEXT(" 1\r\n"), "", "", RC_FORMAT, 0},
    {"blanks behind the size", TEXT("1 \t\r\nz\r\n0  \r\n\r\n"), "z", "\r\n", RC_END, 0},
    {"two sizes", TEXT("1 1\r\nz"), "", "", RC_FORMAT, 0},
    {"0x", TEXT("0x1\r\nz"), "", "", RC_FORMAT, 0},
    {"sign", TEXT("+1\r\nz"), "", "", RC_FORMAT, 0},
    {"not hexadecimal", TEXT("g\r\n"), "", "", RC_FORMAT, 0},
    {"size of 16 digits", TEXT("1000000000000000\r\n"), "", "", RC_FORMAT, 0},
    {"bare LF behind the size", TEXT("1\nz"), "", "", RC_FORMAT, 0},
    {"bare CR behind the size", TEXT("1\rz"), "", "", RC_FORMAT, 0},
    {"bare LF behind an extension", TEXT("1;x\nz"), "", "", RC_FORMAT, 0},
    {"bare CR in an extension", TEXT("1;x\ry\r\nz"), "", "", RC_FORMAT, 0},
    {"NUL in an extension", TEXT("1;x\0\r\nz"), "", "", RC_FORMAT, 0},
    {"bare LF behind the body", TEXT("1\r\nz\n0\r\n\r\n"), "z", "", RC_FORMAT, 0},
    {"body longer than its size", TEXT("1\r\nzz"), "z", "", RC_FORMAT, 0},
    {"bare LF as the end", TEXT("0\r\n\n"), "", "", RC_FORMAT, 0},
    {"bare CR as the end", TEXT("0\r\n\rx"), "", "\r", RC_FORMAT, 0},
    {"bare LF in the trailer", TEXT("0\r\nA: b\n\r\n"), "", "A: b", RC_FORMAT, 0},
    {"folded trailer", TEXT("0\r\nA: b\r\n c\r\n\r\n"), "", "A: b\r\n", RC_FORMAT, 0},
    {"space in a trailer's name", TEXT("0\r\nA : b\r\n\r\n"), "", "A", RC_FORMAT, 0},
    {"trailer without a colon", TEXT("0\r\nA\r\n\r\n"), "", "A", RC_FORMAT, 0},
    {"trailer without a name", TEXT("0\r\n: b\r\n\r\n"), "", "", RC_FORMAT, 0},
    {"NUL in a trailer", TEXT("0\r\nA: \0\r\n\r\n"), "", "A: ", RC_FORMAT, 0},
};

/* What came out, gathered over all calls. */
struct decoded {
    char body[64], trailer[64];
    size_t body_len, trailer_len;
};

static void gather(char *to, size_t *len, struct span s)
{
    assert_true(*len + s.len < 64);
    if (s.len > 0)
        memcpy(to + *len, s.at, s.len);
    *len += s.len;
}

/* Feeds one piece, and says how far the decoder came with it. */
static enum rc feed(struct chunked *c, struct span *in, struct decoded *out)
{
    enum rc rc;

    do {
        struct span body = {0}, trailer = {0};

        rc = chunked_next(c, in, &body, &trailer);
        gather(out->trailer, &out->trailer_len, trailer);
        if (rc == RC_OK)
            gather(out->body, &out->body_len, body);
    } while (rc == RC_OK);
    return rc;
}

/* In two pieces of memory of exactly their size. */
static enum rc decode(const char *wire, size_t len, size_t cut, struct decoded *out,
                      size_t *rest)
{
    uint8_t *first = malloc(cut ? cut : 1), *second = malloc(len - cut ? len - cut : 1);
    struct span in = span_of(first, cut);
    struct chunked c = {0};
    enum rc rc;

    assert_true(first && second);
    memcpy(first, wire, cut);
    memcpy(second, wire + cut, len - cut);
    rc = feed(&c, &in, out);
    *rest = in.len + len - cut;
    if (rc == RC_AGAIN) {
        in = span_of(second, len - cut);
        rc = feed(&c, &in, out);
        *rest = in.len;
    }
    free(first);
    free(second);
    return rc;
}

static void every_case_at_every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t cut = 0; cut <= cases[i].len; cut++) {
            struct decoded out = {0};
            size_t rest;

            check(cases[i].what,
                  decode(cases[i].wire, cases[i].len, cut, &out, &rest) == cases[i].rc);
            check(cases[i].what, strcmp(out.body, cases[i].body) == 0);
            check(cases[i].what, strcmp(out.trailer, cases[i].trailer) == 0);
            check(cases[i].what, cases[i].rc != RC_END || rest == cases[i].rest);
        }
    }
}

static void byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct decoded out = {0};
        struct chunked c = {0};
        enum rc rc = RC_AGAIN;

        for (size_t at = 0; rc == RC_AGAIN && at < cases[i].len; at++) {
            struct span in = span_of(cases[i].wire + at, 1);

            rc = feed(&c, &in, &out);
        }
        check(cases[i].what, rc == cases[i].rc);
        check(cases[i].what, strcmp(out.body, cases[i].body) == 0);
        check(cases[i].what, strcmp(out.trailer, cases[i].trailer) == 0);
    }
}

/* `count` bytes of 'x' between two texts. */
static enum rc padded(const char *before, size_t count, const char *after)
{
    static uint8_t wire[20000];
    struct span in, body, trailer;
    struct chunked c = {0};
    size_t len = strlen(before);
    enum rc rc;

    memcpy(wire, before, len);
    memset(wire + len, 'x', count);
    memcpy(wire + len + count, after, strlen(after));
    in = span_of(wire, len + count + strlen(after));
    while ((rc = chunked_next(&c, &in, &body, &trailer)) == RC_OK)
        ;
    return rc;
}

static void framing_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(padded("1;", 1000, "\r\nz\r\n0\r\n\r\n"), RC_END);
    assert_int_equal(padded("1;", 1100, "\r\nz\r\n0\r\n\r\n"), RC_LIMIT);
    assert_int_equal(padded("0\r\nA:", 8000, "\r\n\r\n"), RC_END);
    assert_int_equal(padded("0\r\nA:", 8200, "\r\n\r\n"), RC_LIMIT);
}

static void a_trailer_may_be_ignored(void **state)
{
    struct span in = SPAN("0\r\nA: b\r\n\r\n"), body;
    struct chunked c = {0};

    (void)state;
    assert_int_equal(chunked_next(&c, &in, &body, NULL), RC_END);
    assert_int_equal(chunked_next(&c, &in, &body, NULL), RC_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_at_every_cut),
        cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(framing_is_bounded),
        cmocka_unit_test(a_trailer_may_be_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
