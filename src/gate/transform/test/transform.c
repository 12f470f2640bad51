/* Texts that are replaced: what comes out may not depend on where the body was cut. */
#include "gate/transform/transform.h"
#include "base/test/check.h"

static const struct {
    const char *what;
    struct transform_pair pairs[3];
    size_t count;
    bool once;
    const char *in, *out;
} cases[] = {
    {"once", {{SPAN("b"), SPAN("X")}}, 1, true, "abcb", "aXcb"},
    {"every time", {{SPAN("b"), SPAN("XX")}}, 1, false, "abcb", "aXXcXX"},
    {"either case", {{SPAN("<HEAD>"), SPAN("y")}}, 1, true, "a<head>b<Head>", "ayb<Head>"},
    {"to nothing", {{SPAN("ab"), SPAN("")}}, 1, false, "aabbab", "ab"},
    {"each once", {{SPAN("a"), SPAN("1")}, {SPAN("b"), SPAN("2")}}, 2, true, "abab", "12ab"},
    {"itself", {{SPAN("aa"), SPAN("a")}}, 1, false, "aaaaa", "aaa"},
    {"none", {{SPAN("zz"), SPAN("a")}}, 1, false, "zxz", "zxz"},
    {"a long one", {{SPAN("abcdefgh"), SPAN("!")}}, 1, false, "abcdefgabcdefghh", "abcdefg!h"},
    {"nothing", {{SPAN("a"), SPAN("b")}}, 1, false, "", ""},
    {"the end", {{SPAN("</body>"), SPAN("x</body>")}}, 1, true, "a</body>", "ax</body>"},
};

static void run(size_t i, size_t step)
{
    struct transform *t = transform_replace(cases[i].pairs, cases[i].count, cases[i].once);
    struct span rest = span_text(cases[i].in);
    struct text all = {0};

    assert_non_null(t);
    do {
        struct span piece = span_cut(&rest, step);

        assert_int_equal(transform_push(t, piece, rest.len == 0), RC_OK);
        text_add(&all, text_span(&t->out));
    } while (rest.len > 0);
    check(cases[i].what, span_equal(text_span(&all), span_text(cases[i].out)));
    text_clear(&all);
    transform_close(t);
}

static void every_case_at_every_step(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t step = 1; step <= strlen(cases[i].in) + 1; step++)
            run(i, step);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_case_at_every_step)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
