#include <stdio.h>

#include "base/test/check.h"
#include "gate/conf/regex.h"
#include "gate/conf/regex_prefix.h"

static const struct {
    const char *pattern, *prefix;
} patterns[] = {
    {"^/old/(.*)$", "/old/"},
    {"^/a\\.b\\/c\\-d", "/a.b/c-d"},
    {"^/a\\d", "/a"},
    {"^/ab?c", "/a"},
    {"^/ab*c", "/a"},
    {"^/ab+c", "/ab"},
    {"^/ab{0,2}c", "/a"},
    {"^/a{2}", "/"},
    {"^/a\\.?b", "/a"},
    {"^/api/(v1|v2)/", "/api/"},
    {"^/(a|(b|c))|/d", ""},
    {"^/a|/b", ""},
    {"^/a[(|)]b|/c", ""},
    {"^/a\\(x|y", ""},
    {"^/a[|]b", ""}, /* in doubt */
    {"^/a.b", "/a"},
    {"^/a$", "/a"},
    {"^/a#b", "/a#b"},
    {"^a(?i)b", "a"},
    {"^(?i)ab", ""},
    {"(?i)^ab", ""},
    {"(^ab)", ""},
    {"^", ""},
    {"", ""},
    {"ab", ""},
    {"^\\Qab|c\\E", ""},
    {"^a\\Qb\\E", "a"},
    {"^/a\\", "/a"}, /* the library refuses it */
};

static void prefixes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        uint8_t out[64];
        size_t len = regex_prefix(span_text(patterns[i].pattern), out, sizeof out);

        if (!span_equal(span_of(out, len), span_text(patterns[i].prefix)))
            fail_msg("\"%s\": \"%.*s\"", patterns[i].pattern, (int)len, (char *)out);
    }
}

static void no_more_than_there_is_room_for(void **state)
{
    uint8_t out[4] = {0};

    (void)state;
    assert_int_equal(regex_prefix(SPAN("^abcd"), out, 3), 3);
    assert_memory_equal(out, "abc", 4);
}

/* In a group that captures nothing, nothing is known of the beginning, and the library is always asked. */
static void an_answer_is_never_another_one(void **state)
{
    static const char *const subjects[] = {
        "",     "/",    "/a",       "/ab",     "/abc", "/aab", "/old/x", "/a.b/c-d",
        "/a7",  "ab",   "aB",       "/b",      "/c",   "/d",   "/ac",    "/abbc",
        "/aa",  "/a.b", "/api/v2/", "/api/v3", "y",    "/a(x", "/a|b",   "/axb",
        "/a#b", "AB",   "ab|c",     "/aXb",    "/A",   "/olf", "/a(b",   "(",
    };

    (void)state;
    for (size_t i = 0; i + 1 < sizeof patterns / sizeof *patterns; i++) {
        struct regex *quick, *slow;
        char text[64];

        snprintf(text, sizeof text, "(?:%s)", patterns[i].pattern);
        assert_int_equal(regex_open(&quick, span_text(patterns[i].pattern), false, NULL),
                         RC_OK);
        assert_int_equal(regex_open(&slow, span_text(text), false, NULL), RC_OK);
        for (size_t k = 0; k < sizeof subjects / sizeof *subjects; k++) {
            struct span subject = span_text(subjects[k]);
            uint32_t at[8], slow_at[8], count, slow_count;
            bool matches = regex_match(slow, subject, slow_at, 4, &slow_count);

            if (regex_match(quick, subject, at, 4, &count) != matches)
                fail_msg("\"%s\" and \"%s\"", patterns[i].pattern, subjects[k]);
            if (matches) {
                assert_int_equal(count, slow_count);
                assert_memory_equal(at, slow_at, 2 * count * sizeof *at);
            }
        }
        regex_close(quick);
        regex_close(slow);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes),
        cmocka_unit_test(no_more_than_there_is_room_for),
        cmocka_unit_test(an_answer_is_never_another_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
