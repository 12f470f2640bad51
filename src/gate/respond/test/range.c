#include <stdio.h>

#include "base/test/check.h"
#include "gate/respond/range.h"

/* Ranges as "first-last ..." */
static const struct {
    const char *value;
    uint64_t size;
    unsigned status;
    const char *ranges;
} cases[] = {
    {"bytes=0-0", 100, 206, "0-0"},
    {"bytes=0-99", 100, 206, "0-99"},
    {"bytes=10-19", 100, 206, "10-19"},
    {"bytes=90-", 100, 206, "90-99"},
    {"bytes=90-1000", 100, 206, "90-99"},
    {"bytes=-1", 100, 206, "99-99"},
    {"bytes=-100", 100, 206, "0-99"},
    {"bytes=-1000", 100, 206, "0-99"},
    {"BYTES=0-0", 100, 206, "0-0"},
    {"bytes= 1 - 2 ", 100, 206, "1-2"},
    {"bytes=0-0,2-2", 100, 206, "0-0 2-2"},
    {"bytes=5-6, 1-2 ,-1", 100, 206, "5-6 1-2 99-99"},
    {"bytes=0-0,100-", 100, 206, "0-0"},
    {"bytes=0-9223372036854775790", 100, 206, "0-99"},
    {"bytes=100-", 100, 416, ""},
    {"bytes=100-200,300-", 100, 416, ""},
    {"bytes=-0", 100, 416, ""},
    {"bytes=5-4", 100, 416, ""},
    {"bytes=0", 100, 416, ""},
    {"bytes=0-1x", 100, 416, ""},
    {"bytes=a-b", 100, 416, ""},
    {"bytes=--1", 100, 416, ""},
    {"bytes=-", 100, 416, ""},
    {"bytes=0-1,", 100, 416, ""},
    {"bytes=,0-1", 100, 416, ""},
    {"bytes=0-99999999999999999999", 100, 416, ""},
    {"bytes=18446744073709551616-", 100, 416, ""},
    {"bytes=0-9223372036854775808", 100, 416, ""},
    {"bytes=0-99,0-0", 100, 200, ""}, /* more than the whole */
    {"bytes=0-,-1", 100, 200, ""},
    {"bytes=0-98,0-0", 100, 206, "0-98 0-0"},
    {"bytes=0-99,0-0,x", 100, 416, ""},
    {"bytes=0-0,1-1,2-2,3-3,4-4", 100, 200, ""}, /* more than the test allows */
    {"bytes=0-0,1-1,2-2,3-3", 100, 206, "0-0 1-1 2-2 3-3"},
    {"lines=0-0", 100, 200, ""},
    {"bytes=", 100, 200, ""},
    {"bytes", 100, 200, ""},
    {"", 100, 200, ""},
    {"bytes=0-", 0, 200, ""},
    {"bytes=-1", 0, 200, ""},
    {"bytes=1-", 0, 416, ""},
};

static void every_value_has_its_ranges(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct range ranges[4];
        char text[128] = "";
        size_t count, at = 0;
        unsigned status =
            range_parse(span_text(cases[i].value), cases[i].size, ranges, 4, &count);

        check(cases[i].value, status == cases[i].status);
        for (size_t r = 0; status == 206 && r < count; r++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%llu-%llu", r ? " " : "",
                                   (unsigned long long)ranges[r].first,
                                   (unsigned long long)ranges[r].end - 1);
        check(cases[i].value, strcmp(text, cases[i].ranges) == 0);
    }
}

static void content_range_says_which(void **state)
{
    char at[64];
    struct buffer out = buffer_over(at, sizeof at);

    (void)state;
    range_write(&(struct range){10, 20}, 100, &out);
    assert_true(span_equal(buffer_span(&out), SPAN("bytes 10-19/100")));
    out.len = 0;
    range_write_unsatisfied(100, &out);
    assert_true(span_equal(buffer_span(&out), SPAN("bytes */100")));
}

static void a_multipart_body_is_as_long_as_it_says(void **state)
{
    static const struct range ranges[] = {{0, 1}, {10, 20}, {1000, 123456}};
    const struct span types[] = {SPAN("text/html; charset=utf-8"), SPAN("")};
    char boundary[RANGE_BOUNDARY_LEN], at[1024];

    (void)state;
    range_boundary(boundary);
    for (size_t t = 0; t < 2; t++) {
        struct buffer out = buffer_over(at, sizeof at);
        uint64_t contents = 0;

        for (size_t i = 0; i < 3; i++) {
            range_part(boundary, types[t], &ranges[i], 200000, &out);
            contents += ranges[i].end - ranges[i].first;
        }
        range_last(boundary, &out);
        assert_false(out.full);
        assert_int_equal(range_body_length(boundary, types[t], ranges, 3, 200000),
                         out.len + contents);
    }
}

static void a_part_is_written_as_nginx_does(void **state)
{
    char at[256];
    struct buffer out = buffer_over(at, sizeof at);

    (void)state;
    range_part("00000000000000000001", SPAN("text/plain"), &(struct range){0, 2}, 9, &out);
    range_last("00000000000000000001", &out);
    assert_true(span_equal(buffer_span(&out),
                           SPAN("\r\n--00000000000000000001\r\n"
                                "Content-Type: text/plain\r\nContent-Range: bytes 0-1/9"
                                "\r\n\r\n\r\n--00000000000000000001--\r\n")));
}

static const struct {
    const char *value;
    uint64_t first;
} firsts[] = {
    {"bytes=5-", 5},
    {"bytes= 7-9", 7},
    {"BYTES=12-", 12},
    {"bytes=-5", 0},
    {"bytes=5-6,1-2", 0},
    {"items=5-", 0},
    {"", 0},
    {"bytes=", 0},
    {"bytes", 0},
    {"bytes=99999999999999999999-", 0},
};

static void where_the_only_one_begins(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++)
        check(firsts[i].value, range_first(span_text(firsts[i].value)) == firsts[i].first);
}

static const struct {
    const char *value;
    enum rc rc;
    uint64_t first, end, whole;
} contents[] = {
    {"bytes 0-3/8", RC_OK, 0, 4, 8},
    {"Bytes  4 - 7 / 8", RC_OK, 4, 8, 8},
    {"bytes 7-7/8", RC_OK, 7, 8, 8},
    {"bytes 0-922337203685477579/922337203685477580", RC_OK, 0, 922337203685477580u,
     922337203685477580u},
    {"bytes 0-8/8", RC_FORMAT, 0, 0, 0},
    {"bytes 5-4/8", RC_FORMAT, 0, 0, 0},
    {"bytes 0-3/*", RC_FORMAT, 0, 0, 0},
    {"bytes */8", RC_FORMAT, 0, 0, 0},
    {"bytes 0-3/8x", RC_FORMAT, 0, 0, 0},
    {"bytes 0-3", RC_FORMAT, 0, 0, 0},
    {"bytes 0-3/", RC_FORMAT, 0, 0, 0},
    {"bytes -3/8", RC_FORMAT, 0, 0, 0},
    {"bytes=0-3/8", RC_FORMAT, 0, 0, 0},
    {"", RC_FORMAT, 0, 0, 0},
    {"bytes 0-3/99999999999999999999", RC_FORMAT, 0, 0, 0},
};

static void what_a_part_says_of_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        struct range range;
        uint64_t whole;
        enum rc rc = range_parse_content(span_text(contents[i].value), &range, &whole);

        check(contents[i].value, rc == contents[i].rc);
        if (rc == RC_OK)
            check(contents[i].value, range.first == contents[i].first &&
                                         range.end == contents[i].end &&
                                         whole == contents[i].whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_the_only_one_begins),
        cmocka_unit_test(what_a_part_says_of_itself),
        cmocka_unit_test(every_value_has_its_ranges),
        cmocka_unit_test(content_range_says_which),
        cmocka_unit_test(a_multipart_body_is_as_long_as_it_says),
        cmocka_unit_test(a_part_is_written_as_nginx_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
