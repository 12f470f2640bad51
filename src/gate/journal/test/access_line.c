#include "gate/journal/access_line.h"
#include "base/test/check.h"
#include "gate/journal/journal.h"

static const struct {
    const char *what;
    struct span value, by_default, json;
} cases[] = {
    {"plain", SPAN("a b~"), SPAN("a b~"), SPAN("a b~")},
    {"empty", SPAN(""), SPAN(""), SPAN("")},
    {"quotes", SPAN("\"\\"), SPAN("\\x22\\x5C"), SPAN("\\\"\\\\")},
    {"control bytes", SPAN("a\r\n\t\b\f\0\x1f"), SPAN("a\\x0D\\x0A\\x09\\x08\\x0C\\x00\\x1F"),
     SPAN("a\\r\\n\\t\\b\\f\\u0000\\u001F")},
    {"high bytes", SPAN("\x7f\x80\xff"), SPAN("\\x7F\\x80\\xFF"), SPAN("\x7f\x80\xff")},
};

static void values_are_escaped(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char at[64];
        struct buffer out = buffer_over(at, sizeof at);

        access_line_escape(JOURNAL_ESCAPE_DEFAULT, cases[i].value, &out);
        check(cases[i].what, span_equal(buffer_span(&out), cases[i].by_default));
        out.len = 0;
        access_line_escape(JOURNAL_ESCAPE_JSON, cases[i].value, &out);
        check(cases[i].what, span_equal(buffer_span(&out), cases[i].json));
        out.len = 0;
        access_line_escape(JOURNAL_ESCAPE_NONE, cases[i].value, &out);
        check(cases[i].what, span_equal(buffer_span(&out), cases[i].value));
    }
}

struct request {
    const char *user, *agent;
};

static bool text(const char *from, struct span *value)
{
    *value = span_text(from);
    return from != NULL;
}

static bool get(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    const struct request *r = subject;

    (void)rest;
    return text(of == 'u' ? r->user : of == 'a' ? r->agent : "127.0.0.1", value);
}

static const struct variable rows[] = {
    {"remote_addr", get, 0},
    {"remote_user", get, 'u'},
    {"time_local", get, 0},
    {"request", get, 0},
    {"status", get, 0},
    {"body_bytes_sent", get, 0},
    {"http_referer", get, 'u'},
    {"http_user_agent", get, 'a'},
    {0},
};
static const struct variables known = {.rows = rows};

static struct journal_format format(struct arena *arena, enum journal_escape escape,
                                    const char *source)
{
    struct journal_format f = {.escape = escape};

    assert_int_equal(template_compile(&f.line, span_text(source), &known, arena, NULL), RC_OK);
    return f;
}

static void lines_are_made_of_literals_and_values(void **state)
{
    struct request request = {NULL, "a \"b\""};
    struct arena arena = {0};
    struct journal_format f;
    char at[256];
    struct buffer out = buffer_over(at, sizeof at);

    (void)state;
    f = format(&arena, JOURNAL_ESCAPE_DEFAULT, JOURNAL_COMBINED);
    access_line_write(&f, &request, &out);
    assert_true(
        span_equal(buffer_span(&out),
                   SPAN("127.0.0.1 - - [127.0.0.1] \"127.0.0.1\" 127.0.0.1 127.0.0.1 \"-\" "
                        "\"a \\x22b\\x22\"")));
    out.len = 0;
    f = format(&arena, JOURNAL_ESCAPE_JSON,
               "{\"u\":\"$remote_user\",\"a\":\"$http_user_agent\"}");
    access_line_write(&f, &request, &out);
    assert_true(span_equal(buffer_span(&out), SPAN("{\"u\":\"\",\"a\":\"a \\\"b\\\"\"}")));
    out.len = 0;
    f = format(&arena, JOURNAL_ESCAPE_NONE, "<$remote_user>$http_user_agent");
    access_line_write(&f, &request, &out);
    assert_true(span_equal(buffer_span(&out), SPAN("<>a \"b\"")));
    arena_clear(&arena);
}

static void a_line_stays_in_its_buffer(void **state)
{
    struct request request = {"user", "agent"};
    struct arena arena = {0};
    struct journal_format f = format(&arena, JOURNAL_ESCAPE_DEFAULT, JOURNAL_COMBINED);

    (void)state;
    for (size_t size = 0; size < 100; size++) {
        char at[100], whole[100];
        struct buffer out = buffer_over(at, size), all = buffer_over(whole, sizeof whole);

        access_line_write(&f, &request, &all);
        assert_false(all.full);
        access_line_write(&f, &request, &out);
        assert_true(out.len <= size);
        assert_true(out.full == (size < all.len));
    }
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_escaped),
        cmocka_unit_test(lines_are_made_of_literals_and_values),
        cmocka_unit_test(a_line_stays_in_its_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
