#include "gate/health/match.h"

#include "base/test/check.h"

static const struct match_range good[] = {{200, 299}, {304, 304}};

static const struct {
    const char *what, *wire, *body;
    struct match_test test;
    bool holds;
} cases[] = {
    {"status",
     "HTTP/1.1 204 No\r\n\r\n",
     "",
     {.what = MATCH_STATUS, .ranges = good, .ranges_count = 2},
     true},
    {"the last range",
     "HTTP/1.1 304 No\r\n\r\n",
     "",
     {.what = MATCH_STATUS, .ranges = good, .ranges_count = 2},
     true},
    {"another status",
     "HTTP/1.1 303 No\r\n\r\n",
     "",
     {.what = MATCH_STATUS, .ranges = good, .ranges_count = 2},
     false},
    {"not that status",
     "HTTP/1.1 303 No\r\n\r\n",
     "",
     {.what = MATCH_STATUS, .negated = true, .ranges = good, .ranges_count = 2},
     true},
    {"a header is there",
     "HTTP/1.1 200 OK\r\nx-state: up\r\n\r\n",
     "",
     {.what = MATCH_HEADER, .name = SPAN("X-State")},
     true},
    {"a header is not there",
     "HTTP/1.1 200 OK\r\nx-state: up\r\n\r\n",
     "",
     {.what = MATCH_HEADER, .negated = true, .name = SPAN("X-Stat")},
     true},
    {"its value",
     "HTTP/1.1 200 OK\r\nx-state: up\r\n\r\n",
     "",
     {.what = MATCH_HEADER, .name = SPAN("X-State"), .value = SPAN("up")},
     true},
    {"one of several",
     "HTTP/1.1 200 OK\r\nx-state: down\r\nx-state: up\r\n\r\n",
     "",
     {.what = MATCH_HEADER, .name = SPAN("X-State"), .value = SPAN("up")},
     true},
    {"another value",
     "HTTP/1.1 200 OK\r\nx-state: upper\r\n\r\n",
     "",
     {.what = MATCH_HEADER, .name = SPAN("X-State"), .value = SPAN("up")},
     false},
    {"body",
     "HTTP/1.1 200 OK\r\n\r\n",
     "all is well",
     {.what = MATCH_BODY, .value = SPAN("no")},
     false},
};

static void each_line_says_what_it_means(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct match match = {.name = SPAN("m"), .tests = &cases[i].test, .count = 1};
        struct field fields[8];
        struct h1_response answer = {.head = {.fields = fields, .capacity = 8}};
        struct fault why = {0};

        check(cases[i].what,
              h1_response_parse(&answer, (const uint8_t *)cases[i].wire, strlen(cases[i].wire),
                                false, false, 1000, 8, NULL) == RC_OK);
        check(cases[i].what, (match_holds(&match, &answer, span_text(cases[i].body), &why) ==
                              RC_OK) == cases[i].holds);
        check(cases[i].what, cases[i].holds == (why.text[0] == '\0'));
    }
}

static void without_a_match_the_status_decides(void **state)
{
    struct h1_response answer = {.code = 200};

    (void)state;
    assert_int_equal(match_holds(NULL, &answer, (struct span){0}, NULL), RC_OK);
    answer.code = 399;
    assert_int_equal(match_holds(NULL, &answer, (struct span){0}, NULL), RC_OK);
    answer.code = 400;
    assert_int_equal(match_holds(NULL, &answer, (struct span){0}, NULL), RC_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_says_what_it_means),
        cmocka_unit_test(without_a_match_the_status_decides),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
