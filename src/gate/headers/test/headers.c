#include "gate/headers/headers.h"

#include "base/test/check.h"

/* The subject is the value of $v; an empty one is none. */
static bool get_v(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    const struct span *v = subject;

    (void)rest, (void)of;
    *value = *v;
    return v->len > 0;
}

static const struct variable rows[] = {{"v", get_v, 0}, {0}};
static const struct variables known = {.rows = rows};

static struct template compile(const char *text, struct arena *arena)
{
    struct template t;

    assert_int_equal(template_compile(&t, span_text(text), &known, arena, NULL), RC_OK);
    return t;
}

static void statuses(void **state)
{
    static const unsigned usual[] = {200, 201, 204, 206, 301, 302, 303, 304, 307, 308};
    size_t found = 0;

    (void)state;
    for (unsigned status = 0; status < 1000; status++) {
        bool is = found < sizeof usual / sizeof *usual && usual[found] == status;

        found += is;
        assert_int_equal(headers_is_usual(status), is);
    }
}

static const struct {
    const char *what, *name, *value;
    bool always;
    unsigned status;
    struct span v;
    const char *text;
    uint64_t replaced;
} cases[] = {
    {"plain", "X", "1", false, 200, {0}, "X: 1\r\n", 0},
    {"not for an error", "X", "1", false, 404, {0}, "", 0},
    {"always", "X", "1", true, 404, {0}, "X: 1\r\n", 0},
    {"empty", "X", "", true, 200, {0}, "", 0},
    {"empty variable", "X", "$v", true, 200, {0}, "", 0},
    {"variable", "X", "a $v", false, 200, SPAN("b"), "X: a b\r\n", 0},
    {"no line of its own", "X", "$v", false, 200, SPAN("a\r\nSet-Cookie: b\0c"),
     "X: a  Set-Cookie: b c\r\n", 0},
    {"in the place of",
     "etag",
     "\"x\"",
     false,
     200,
     {0},
     "etag: \"x\"\r\n",
     1ull << FIELD_ETAG},
    {"taken away", "Last-Modified", "", false, 200, {0}, "", 1ull << FIELD_LAST_MODIFIED},
    {"left alone", "ETag", "", false, 404, {0}, "", 0},
};

static void fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = {0};
        struct span v = cases[i].v;
        struct added_field field = {.name = span_text(cases[i].name),
                                    .id = field_id_of(span_text(cases[i].name)),
                                    .value = compile(cases[i].value, &arena),
                                    .always = cases[i].always};
        struct headers_settings s = {.used = true, .headers = {.fields = &field, .count = 1}};
        char room[64], small[3];
        struct buffer out = buffer_over(room, sizeof room), tight = buffer_over(small, 3);
        struct headers_turn turn = headers_begin(&s, cases[i].status, &v);

        headers_write(&turn, 0, (struct span){0}, &v, &out);
        check(cases[i].what, !out.full);
        check(cases[i].what, span_equal(buffer_span(&out), span_text(cases[i].text)));
        check(cases[i].what, turn.replaced == cases[i].replaced);
        headers_write(&turn, 0, (struct span){0}, &v, &tight);
        check(cases[i].what, tight.full || out.len == 0);
        arena_clear(&arena);
    }
}

/* The time of `expires` may come from a variable, and then be anything. */
static void expires_of_a_variable(void **state)
{
    static const struct {
        struct span v;
        unsigned status;
        const char *text;
    } rows_of[] = {
        {SPAN("max"), 200,
         "Expires: Thu, 31 Dec 2037 23:55:55 GMT\r\nCache-Control: max-age=315360000\r\n"},
        {SPAN("10"), 304,
         "Expires: Thu, 01 Jan 1970 00:00:10 GMT\r\nCache-Control: max-age=10\r\n"},
        {SPAN("max"), 404, ""},
        {SPAN("off"), 200, ""},
        {SPAN("junk"), 200, ""},
        {{0}, 200, ""},
    };
    struct arena arena = {0};
    struct headers_settings s = {
        .used = true, .expires_is_text = true, .expires_text = compile("$v", &arena)};

    (void)state;
    for (size_t i = 0; i < sizeof rows_of / sizeof *rows_of; i++) {
        char room[256];
        struct buffer out = buffer_over(room, sizeof room);
        struct span v = rows_of[i].v;
        struct headers_turn turn = headers_begin(&s, rows_of[i].status, &v);

        headers_write(&turn, 0, (struct span){0}, &v, &out);
        check(rows_of[i].text, span_equal(buffer_span(&out), span_text(rows_of[i].text)));
        assert_int_equal(headers_replaces(&turn, FIELD_CACHE_CONTROL), out.len > 0);
        assert_int_equal(headers_replaces(&turn, FIELD_EXPIRES), out.len > 0);
    }
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses),
        cmocka_unit_test(fields),
        cmocka_unit_test(expires_of_a_variable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
