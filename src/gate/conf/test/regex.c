#include <pthread.h>

#include "base/test/check.h"
#include "gate/conf/regex.h"

static void groups(void **state)
{
    struct regex *regex;
    uint32_t at[8], count;

    (void)state;
    assert_int_equal(regex_open(&regex, SPAN("^/(?<First>[a-z]+)(/b)?(\\.x)?$"), false, NULL),
                     RC_OK);
    assert_true(regex_match(regex, SPAN("/ab.x"), at, 4, &count));
    assert_int_equal(count, 4);
    assert_int_equal(at[0], 0);
    assert_int_equal(at[1], 5);
    assert_int_equal(at[2], 1);
    assert_int_equal(at[3], 3);
    assert_int_equal(at[4], UINT32_MAX);
    assert_int_equal(at[5], UINT32_MAX);
    assert_int_equal(at[6], 3);
    assert_true(regex_match(regex, SPAN("/ab"), at, 1, &count));
    assert_int_equal(count, 1);
    assert_false(regex_match(regex, SPAN("/AB"), at, 4, &count));
    assert_false(regex_match(regex, (struct span){0}, at, 4, &count));
    assert_int_equal(regex_group(regex, SPAN("first")), 1);
    assert_int_equal(regex_group(regex, SPAN("fir")), -1);
    assert_true(span_equal(regex_group_name(regex, 0), SPAN("First")));
    assert_int_equal(regex_group_name(regex, 1).len, 0);
    regex_close(regex);
    regex_close(NULL);
}

static void letters_of_either_case(void **state)
{
    struct regex *regex;
    uint32_t at[2], count;

    (void)state;
    assert_int_equal(regex_open(&regex, SPAN("\\.PHP$"), true, NULL), RC_OK);
    assert_true(regex_match(regex, SPAN("/a.php"), at, 1, &count));
    regex_close(regex);
}

static void nginx_words(void **state)
{
    struct regex *regex = NULL;
    struct fault why = {0};

    (void)state;
    assert_int_equal(regex_open(&regex, SPAN("a(b"), false, &why), RC_FORMAT);
    assert_string_equal(why.text,
                        "pcre2_compile() failed: missing closing parenthesis in \"a(b\"");
    assert_int_equal(regex_open(&regex, SPAN("a[z-a]"), false, &why), RC_FORMAT);
    assert_string_equal(why.text,
                        "pcre2_compile() failed: range out of order in character class in "
                        "\"a[z-a]\" at \"a]\"");
    assert_null(regex);
}

/* A pattern that would take for ever is given up, which is not the same as no match. */
static void bounded(void **state)
{
    const uint64_t before = regex_given_up();
    struct regex *regex;
    uint32_t at[2], count;
    char subject[64];

    (void)state;
    memset(subject, 'a', sizeof subject);
    assert_int_equal(regex_open(&regex, SPAN("^(a+)+$"), false, NULL), RC_OK);
    subject[63] = '!';
    assert_false(regex_match(regex, span_of(subject, sizeof subject), at, 1, &count));
    assert_int_equal(regex_given_up(), before + 1);
    assert_false(regex_match(regex, SPAN("aa!"), at, 1, &count));
    assert_int_equal(regex_given_up(), before + 1);
    regex_close(regex);
}

/* What needs more of a stack than machine code has. */
static void deep(void **state)
{
    const uint64_t before = regex_given_up();
    static char subject[30000];
    struct regex *regex;
    uint32_t at[2], count;

    (void)state;
    memset(subject, 'a', sizeof subject);
    subject[sizeof subject - 1] = '!';
    assert_int_equal(regex_open(&regex, SPAN("^(.|\\n)*!$"), false, NULL), RC_OK);
    assert_true(regex_match(regex, span_of(subject, sizeof subject), at, 1, &count));
    assert_int_equal(at[1], sizeof subject);
    assert_int_equal(regex_given_up(), before);
    regex_close(regex);
}

static void *match_often(void *of)
{
    uintptr_t matched = 0;
    uint32_t at[4], count;

    for (int i = 0; i < 2000; i++)
        matched += regex_match(of, SPAN("/static/app.js"), at, 2, &count) && at[2] == 8;
    return (void *)matched;
}

static void several_threads(void **state)
{
    struct regex *regex;
    pthread_t threads[4];

    (void)state;
    assert_int_equal(regex_open(&regex, SPAN("/([a-z]+)\\.js$"), false, NULL), RC_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, match_often, regex), 0);
    for (int i = 0; i < 4; i++) {
        void *matched;

        pthread_join(threads[i], &matched);
        assert_int_equal((uintptr_t)matched, 2000);
    }
    regex_close(regex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups),      cmocka_unit_test(letters_of_either_case),
        cmocka_unit_test(nginx_words), cmocka_unit_test(bounded),
        cmocka_unit_test(deep),        cmocka_unit_test(several_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
