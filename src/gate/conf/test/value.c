#include "gate/conf/value.h"
#include "base/test/check.h"

static const struct {
    const char *text;
    int64_t plain, giga; /* -1: refused */
} sizes[] = {
    {"0", 0, 0},
    {"1", 1, 1},
    {"1k", 1024, 1024},
    {"1K", 1024, 1024},
    {"2m", 2 << 20, 2 << 20},
    {"2M", 2 << 20, 2 << 20},
    {"3g", -1, 3LL << 30},
    {"3G", -1, 3LL << 30},
    {"", -1, -1},
    {"k", -1, -1},
    {"-1", -1, -1},
    {"1.5m", -1, -1},
    {"1kb", -1, -1},
    {"1 k", -1, -1},
    {"9223372036854775807", INT64_MAX, INT64_MAX},
    {"9223372036854775808", -1, -1},
    {"9223372036854775807k", -1, -1},
};

static void every_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct span text = span_text(sizes[i].text);
        uint64_t size;

        check(sizes[i].text,
              (value_parse_size(text, false, &size) == RC_OK ? (int64_t)size : -1) ==
                  sizes[i].plain);
        check(sizes[i].text,
              (value_parse_size(text, true, &size) == RC_OK ? (int64_t)size : -1) ==
                  sizes[i].giga);
    }
}

static const struct {
    const char *text;
    int64_t ms, seconds; /* -1: refused */
} times[] = {
    {"0", 0, 0},
    {"5", 5000, 5},
    {"5s", 5000, 5},
    {"500ms", 500, -1},
    {"1m", 60000, 60},
    {"1h30m", 5400000, 5400},
    {"1h 30m", 5400000, 5400},
    {"1d12h", 129600000, 129600},
    {"1w", 604800000, 604800},
    {"1M", -1, 2592000},
    {"1y", -1, 31536000},
    {"1y1M", -1, 34128000},
    {"1s500ms", 1500, -1},
    {"1m5", 65000, 65},
    {"5 ", 5000, 5},
    {"30m1h", -1, -1},
    {"1h1h", -1, -1},
    {"5s5", 10000, 10},
    {"1 5s", -1, -1},
    {"1 2", 3000, 3},
    {"", -1, -1},
    {" 5", 5000, 5},
    {"m", -1, -1},
    {"1x", -1, -1},
    {"-1", -1, -1},
    {"99999999999999999999", -1, -1},
    {"9223372036854775807", -1, INT64_MAX},
    {"9223372036854775807d", -1, -1},
};

static void every_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct span text = span_text(times[i].text);
        uint64_t time;

        check(times[i].text,
              (value_parse_milliseconds(text, &time) == RC_OK ? (int64_t)time : -1) ==
                  times[i].ms);
        check(times[i].text,
              (value_parse_seconds(text, &time) == RC_OK ? (int64_t)time : -1) ==
                  times[i].seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size),
        cmocka_unit_test(every_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
