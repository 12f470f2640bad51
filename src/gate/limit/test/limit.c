#include "base/test/check.h"
#include "gate/limit/limit_conn.h"
#include "gate/limit/limit_req.h"

enum { SECOND = 1000 };

static struct zone *open_zone(void)
{
    struct zone *zone;

    assert_int_equal(zone_open(&zone, 32768, NULL), RC_OK);
    return zone;
}

/* What nginx says of requests at these times, with rate=10r/s: by its excess in thousandths; -1: refused. */
static const struct {
    const char *what;
    uint64_t burst, delay;
    uint64_t at_ms[8];
    int64_t excess[8];
    uint64_t delay_ms[8];
    size_t count;
} rates[] = {
    {"no burst", 0, 0, {0, 50, 100, 150, 300}, {0, -1, 0, -1, 0}, {0}, 5},
    {"burst", 2000, 0, {0, 0, 0, 0, 100}, {0, 1000, 2000, -1, 2000}, {0, 100, 200, 0, 200}, 5},
    {"nodelay", 2000, UINT64_MAX, {0, 0, 0, 0, 250}, {0, 1000, 2000, -1, 500}, {0}, 5},
    {"some at once",
     3000,
     1000,
     {0, 0, 0, 0, 0},
     {0, 1000, 2000, 3000, -1},
     {0, 0, 100, 200, 0},
     5},
    {"after a while", 1000, 0, {0, 0, 60 * SECOND}, {0, 1000, 0}, {0, 100, 0}, 3},
};

static void requests_are_held_to_their_rate(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct zone *zone = open_zone();
        struct limit_req limit = {zone, 10 * 1000, rates[i].burst, rates[i].delay};

        for (size_t n = 0; n < rates[i].count; n++) {
            struct limit_req_turn turn = {.limit = &limit, .key = SPAN("a")};
            size_t at;
            enum rc rc = limit_req_ask(&turn, 1, 5000 + rates[i].at_ms[n], &at);

            check(rates[i].what, rc == (rates[i].excess[n] < 0 ? RC_LIMIT : RC_OK));
            if (rc != RC_OK)
                continue;
            check(rates[i].what, (int64_t)turn.excess == rates[i].excess[n]);
            check(rates[i].what, turn.delay_ms == rates[i].delay_ms[n]);
        }
        zone_release(zone);
    }
}

/* Where one of several refuses, no other has counted; each key is for itself. */
static void several_limits_hold_together(void **state)
{
    struct zone *wide = open_zone(), *narrow = open_zone();
    struct limit_req limits[2] = {{wide, 1000 * 1000, 5000, 0}, {narrow, 1000, 0, 0}};
    struct limit_req_turn turns[2] = {{.limit = &limits[0], .key = SPAN("a")},
                                      {.limit = &limits[1], .key = SPAN("a")}};
    size_t at;

    (void)state;
    assert_int_equal(limit_req_ask(turns, 2, 1000, &at), RC_OK);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(limit_req_ask(turns, 2, 1000, &at), RC_LIMIT);
        assert_int_equal(at, 1);
        assert_int_equal(turns[0].excess, 1000);
    }
    turns[1].key = SPAN("b");
    assert_int_equal(limit_req_ask(turns, 2, 1000, &at), RC_OK);
    assert_int_equal(turns[0].delay_ms, 1);
    zone_release(wide);
    zone_release(narrow);
}

static void so_many_are_in_work_and_no_more(void **state)
{
    struct zone *zone = open_zone();

    (void)state;
    assert_int_equal(limit_conn_enter(zone, SPAN("a"), 2), RC_OK);
    assert_int_equal(limit_conn_enter(zone, SPAN("a"), 2), RC_OK);
    assert_int_equal(limit_conn_enter(zone, SPAN("a"), 2), RC_LIMIT);
    assert_int_equal(limit_conn_enter(zone, SPAN("b"), 2), RC_OK);
    limit_conn_leave(zone, SPAN("a"));
    assert_int_equal(limit_conn_enter(zone, SPAN("a"), 2), RC_OK);
    limit_conn_leave(zone, SPAN("a"));
    limit_conn_leave(zone, SPAN("a"));
    assert_int_equal(zone_count(zone), 1);
    limit_conn_forget(zone);
    assert_int_equal(zone_count(zone), 0);
    limit_conn_leave(zone, SPAN("b")); /* of before */
    zone_release(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_held_to_their_rate),
        cmocka_unit_test(several_limits_hold_together),
        cmocka_unit_test(so_many_are_in_work_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
