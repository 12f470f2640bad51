#include "gate/map/split.h"

#include <stdio.h>

#include "base/test/check.h"

static const struct {
    const char *text;
    enum rc rc;
    uint32_t share;
} shares[] = {
    {"*", RC_OK, 0},          {"1%", RC_OK, 100},       {"0.5%", RC_OK, 50},
    {"0.05%", RC_OK, 5},      {"33.33%", RC_OK, 3333},  {"100%", RC_OK, 10000},
    {".5%", RC_OK, 50},       {"5.%", RC_OK, 500},      {"0%", RC_FORMAT, 7},
    {"0.00%", RC_FORMAT, 7},  {"0.005%", RC_FORMAT, 7}, {"5", RC_FORMAT, 7},
    {"%", RC_FORMAT, 7},      {"", RC_FORMAT, 7},       {"-5%", RC_FORMAT, 7},
    {"1.2.3%", RC_FORMAT, 7}, {"5 %", RC_FORMAT, 7},    {"99999999999%", RC_FORMAT, 7},
};

static void shares_as_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        uint32_t share = 7;

        check(shares[i].text,
              split_parse_share(span_text(shares[i].text), &share) == shares[i].rc);
        check(shares[i].text, shares[i].rc != RC_OK || share == shares[i].share);
    }
}

static void every_text_has_its_share(void **state)
{
    struct split_part parts[] = {{.share = 1000}, {.share = 2500}, {.share = 0}};
    size_t counts[3] = {0};

    (void)state;
    assert_int_equal(split_seal(parts, 3), RC_OK);
    for (int i = 0; i < 20000; i++) {
        char text[16];

        snprintf(text, sizeof text, "client %d", i);
        counts[split_find(parts, 3, span_text(text)) - parts]++;
    }
    assert_in_range(counts[0], 1850, 2150);
    assert_in_range(counts[1], 4800, 5200);
    assert_null(split_find(parts, 0, SPAN("x")));
    parts[1].share = 9001;
    assert_int_equal(split_seal(parts, 2), RC_LIMIT);
    parts[1].share = 9000;
    assert_int_equal(split_seal(parts, 2), RC_OK);
}

/* No byte is left out, whatever the length of the tail. tests/gate/test_map.py compares with nginx. */
static void hashes(void **state)
{
    (void)state;
    assert_int_equal(split_hash(SPAN("")), 0);
    assert_int_not_equal(split_hash(SPAN("a")), split_hash(SPAN("b")));
    for (size_t len = 0; len < 9; len++) {
        char one[9] = "abcdefgh", two[9] = "abcdefgh";

        if (len > 0)
            two[len - 1] ^= 1;
        assert_int_equal(split_hash(span_of(one, len)) == split_hash(span_of(two, len)),
                         len == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_as_text),
        cmocka_unit_test(every_text_has_its_share),
        cmocka_unit_test(hashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
