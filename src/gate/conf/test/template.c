#include "gate/conf/template.h"
#include "base/test/check.h"

/* Says what it was asked for, but for "none", which has no value. */
static bool get(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    static char room[64];
    struct buffer b = buffer_over(room, sizeof room);

    (void)subject;
    if (of == 0)
        return false;
    buffer_add_text(&b, "<");
    buffer_add_byte(&b, (uint8_t)of);
    buffer_add(&b, rest);
    buffer_add_text(&b, ">");
    *value = buffer_span(&b);
    return true;
}

static const struct variable rows[] = {
    {"a", get, 'a'},  {"http_", get, 'h'}, {"http_x", get, 'x'},         {"1", get, '1'},
    {"none", get, 0}, {"ab", get, 'b'},    {VARIABLE_CAPTURE, get, 'c'}, {0},
};
static const struct span captures[] = {{(const uint8_t *)"user", 4},
                                       {(const uint8_t *)"a", 1}};
static const struct variables known = {
    .rows = rows, .captures = captures, .captures_count = 2};

static const struct {
    const char *text, *written, *fault;
} cases[] = {
    {"", "", NULL},
    {"plain", "plain", NULL},
    {"$a", "<a>", NULL},
    {"x${a}b$a", "x<a>b<a>", NULL},
    {"$ab-$A", "<b>-<a>", NULL},
    {"$http_x$http_X_Y", "<x><hx_y>", NULL},
    {"[$none]", "[]", NULL},
    {"$12", "<1>2", NULL},
    {"$user$User", "<cuser><cuser>", NULL},
    {"$", NULL, "invalid variable name"},
    {"a$-", NULL, "invalid variable name"},
    {"${}", NULL, "invalid variable name"},
    {"${a", NULL, "the closing bracket in \"a\" variable is missing"},
    {"${a-}", NULL, "the closing bracket in \"a\" variable is missing"},
    {"$b", NULL, "unknown \"b\" variable"},
    {"$0", NULL, "unknown \"0\" variable"},
};

static void every_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = {0};
        struct template t = {0};
        struct fault why = {0};
        char room[64];
        struct buffer out = buffer_over(room, sizeof room);
        enum rc rc = template_compile(&t, span_text(cases[i].text), &known, &arena, &why);

        check(cases[i].text, (rc == RC_OK) == (cases[i].written != NULL));
        if (rc != RC_OK) {
            check(cases[i].text, strcmp(why.text, cases[i].fault) == 0);
        } else {
            template_write(&t, NULL, &out);
            check(cases[i].text, span_equal(buffer_span(&out), span_text(cases[i].written)));
            check(cases[i].text, template_is_constant(&t) == !strchr(cases[i].text, '$'));
        }
        arena_clear(&arena);
    }
}

static void too_small_a_buffer(void **state)
{
    struct arena arena = {0};
    struct template t;
    char room[4];
    struct buffer out = buffer_over(room, sizeof room);

    (void)state;
    assert_int_equal(template_compile(&t, SPAN("ab$a"), &known, &arena, NULL), RC_OK);
    template_write(&t, NULL, &out);
    assert_true(out.full);
    assert_int_equal(out.len, 2);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case),
        cmocka_unit_test(too_small_a_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
