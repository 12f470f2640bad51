#include "codec/hex.h"

#include "base/test/check.h"

static void both_ways(void **state)
{
    uint8_t bytes[4];
    char text[9];
    size_t len;

    (void)state;
    assert_int_equal(hex_decode(SPAN("00fFaB10"), bytes, sizeof bytes, &len), RC_OK);
    assert_int_equal(len, 4);
    assert_string_equal(hex_encode(span_of(bytes, len), text), "00ffab10");
    assert_int_equal(hex_decode(SPAN(""), bytes, sizeof bytes, &len), RC_OK);
    assert_int_equal(len, 0);
}

static void refused(void **state)
{
    uint8_t bytes[4];
    size_t len;

    (void)state;
    assert_int_equal(hex_decode(SPAN("0"), bytes, sizeof bytes, &len), RC_FORMAT);
    assert_int_equal(hex_decode(SPAN("0g"), bytes, sizeof bytes, &len), RC_FORMAT);
    assert_int_equal(hex_decode(SPAN("@0"), bytes, sizeof bytes, &len), RC_FORMAT);
    assert_int_equal(hex_decode(SPAN("0011223344"), bytes, sizeof bytes, &len), RC_LIMIT);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(both_ways), cmocka_unit_test(refused)};

    return cmocka_run_group_tests(all, NULL, NULL);
}
