#include "gate/sticky/session.h"

#include "base/test/check.h"

static void a_session_lasts_while_it_is_asked_for(void **state)
{
    struct zone *zone;

    (void)state;
    assert_int_equal(zone_open(&zone, 32768, NULL), RC_OK);
    assert_int_equal(session_find(zone, SPAN("a"), 100, 1), 0);
    session_add(zone, SPAN("a"), 7, 1);
    session_add(zone, SPAN("b"), 8, 1);
    assert_int_equal(session_find(zone, SPAN("a"), 100, 101), 7);
    assert_int_equal(session_find(zone, SPAN("a"), 100, 201), 7);
    assert_int_equal(session_find(zone, SPAN("b"), 100, 201), 0);
    session_add(zone, SPAN("a"), 9, 300);
    assert_int_equal(session_find(zone, SPAN("a"), 100, 299), 9); /* another loop's clock */
    assert_int_equal(session_find(zone, SPAN("a"), 100, 400), 0);
    assert_int_equal(zone_count(zone), 0);
    zone_release(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_lasts_while_it_is_asked_for)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
