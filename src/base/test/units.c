#include "base/units.h"
#include "base/test/check.h"

static const struct {
    const char *text;
    enum rc rc;
    uint64_t bytes;
} sizes[] = {
    {"0", RC_OK, 0},
    {"512", RC_OK, 512},
    {"64K", RC_OK, 65536},
    {"64k", RC_OK, 65536},
    {"10MiB", RC_OK, 10485760},
    {"1GB", RC_OK, 1073741824},
    {"7B", RC_OK, 7},
    {"7EiB", RC_OK, (uint64_t)7 << 60},
    {"8E", RC_LIMIT, 0},
    {"9223372036854775808", RC_LIMIT, 0},
    {"99999999999999999999999", RC_LIMIT, 0},
    {"", RC_FORMAT, 0},
    {"M", RC_FORMAT, 0},
    {"-1", RC_FORMAT, 0},
    {"1.5G", RC_FORMAT, 0},
    {"1 G", RC_FORMAT, 0},
    {"1Gi", RC_FORMAT, 0},
    {"1GiBs", RC_FORMAT, 0},
    {"1X", RC_FORMAT, 0},
};

static void sizes_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t bytes = 0;

        check(sizes[i].text,
              units_parse_size(span_text(sizes[i].text), &bytes) == sizes[i].rc);
        check(sizes[i].text, sizes[i].rc != RC_OK || bytes == sizes[i].bytes);
    }
}

static void sizes_are_written(void **state)
{
    char text[16];

    (void)state;
    assert_string_equal(units_size(text, 1023), "1023 B");
    assert_string_equal(units_size(text, 64 << 20), "64.0 MiB");
    assert_string_equal(units_size(text, UINT64_MAX), "16.0 EiB");
}

static void numbers_have_a_limit(void **state)
{
    uint64_t n = 0;

    (void)state;
    assert_int_equal(units_parse_number(SPAN("18446744073709551615"), UINT64_MAX, &n), RC_OK);
    assert_true(n == UINT64_MAX);
    assert_int_equal(units_parse_number(SPAN("65536"), 65535, &n), RC_LIMIT);
    assert_int_equal(units_parse_number(SPAN("18446744073709551616x"), 1, &n), RC_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_read),
        cmocka_unit_test(sizes_are_written),
        cmocka_unit_test(numbers_have_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
