#include "gate/respond/http_date.h"
#include "base/test/check.h"

/* RFC 9110, section 5.6.7 has the first three. */
static const struct {
    const char *text;
    time_t when; /* -1: no date */
} cases[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
    {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
    {"Sun Nov  6 08:49:37 1994", 784111777},
    {"Sun Nov 16 08:49:37 1994", 784975777},
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
    {"Thu, 29 Feb 2024 23:59:59 GMT", 1709251199},
    {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228799},
    {"Friday, 01-Jan-38 00:00:00 GMT", 2145916800},
    {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
    {"", -1},
    {"Sun", -1},
    {"Sun,", -1},
    {"Sun, 06 Nov 0000 08:49:37 GMT", -1},
    {"Sun, 06 Nov 1994 08:49:37", -1},
    {"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
    {"Sun, 06 Nov 1994 08:49:37 UTC", -1},
    {"Sun, 6 Nov 1994 08:49:37 GMT", -1},
    {"Sun, 06 nov 1994 08:49:37 GMT", -1},
    {"Sun, 06 Nov 94 08:49:37 GMT", -1},
    {"Sun, 06 Nov 1994 24:00:00 GMT", -1},
    {"Sun, 06 Nov 1994 08:60:37 GMT", -1},
    {"Sun, 31 Nov 1994 08:49:37 GMT", -1},
    {"Sun, 00 Nov 1994 08:49:37 GMT", -1},
    {"Wed, 29 Feb 2023 00:00:00 GMT", -1},
    {"Sunday, 06-Nov-1994 08:49:37 GMT", -1},
    {"Sun Nov 6 08:49:37 1994", -1},
    {"Sun Nov  6 08:49:37 94", -1},
    {"Sunday Nov  6 08:49:37 1994", -1},
    {"0", -1},
};

static void every_form_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        time_t when = -1;

        check(cases[i].text,
              http_date_parse(span_text(cases[i].text), &when) == (cases[i].when != -1));
        if (cases[i].when != -1)
            check(cases[i].text, when == cases[i].when);
    }
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    for (time_t when = 0; when < 253402300799; when += 86400 * 97 + 12347) {
        char text[HTTP_DATE_LEN];
        time_t read = -1;

        http_date_format(when, text);
        assert_true(http_date_parse(span_of(text, sizeof text), &read));
        assert_int_equal(read, when);
    }
}

static void the_writing_is_that_of_strftime(void **state)
{
    static const time_t times[] = {0, 784111777, 1709251199, 1483228799, 4102444800};

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char text[HTTP_DATE_LEN + 1] = "", theirs[64];
        struct tm tm;

        http_date_format(times[i], text);
        gmtime_r(&times[i], &tm);
        strftime(theirs, sizeof theirs, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        assert_string_equal(text, theirs);
    }
}

static void years_out_of_range_are_cut(void **state)
{
    char text[HTTP_DATE_LEN + 1] = "";

    (void)state;
    http_date_format((time_t)1 << 62, text);
    assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT");
    http_date_format(-((time_t)1 << 62), text);
    assert_string_equal(text, "Mon, 01 Jan 0001 00:00:00 GMT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(the_writing_is_that_of_strftime),
        cmocka_unit_test(years_out_of_range_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
