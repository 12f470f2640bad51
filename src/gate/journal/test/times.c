#include <pthread.h>
#include <stdlib.h>

#include "base/test/check.h"
#include "gate/journal/times.h"

static const struct {
    const char *zone;
    time_t second;
    const char *http, *local, *iso8601, *error, *syslog;
} cases[] = {
    {"UTC", 784111777, "Sun, 06 Nov 1994 08:49:37 GMT", "06/Nov/1994:08:49:37 +0000",
     "1994-11-06T08:49:37+00:00", "1994/11/06 08:49:37", "Nov  6 08:49:37"},
    {"CET-1CEST,M3.5.0,M10.5.0/3", 1720000000, "Wed, 03 Jul 2024 09:46:40 GMT",
     "03/Jul/2024:11:46:40 +0200", "2024-07-03T11:46:40+02:00", "2024/07/03 11:46:40",
     "Jul  3 11:46:40"},
    {"NST3:30", 1704067200, "Mon, 01 Jan 2024 00:00:00 GMT", "31/Dec/2023:20:30:00 -0330",
     "2023-12-31T20:30:00-03:30", "2023/12/31 20:30:00", "Dec 31 20:30:00"},
};

static void every_form_of_a_second(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct times *t;

        setenv("TZ", cases[i].zone, 1);
        tzset();
        t = times_at(cases[i].second);
        check(cases[i].zone, span_equal(times_span(t->http), span_text(cases[i].http)));
        check(cases[i].zone, span_equal(times_span(t->local), span_text(cases[i].local)));
        check(cases[i].zone, span_equal(times_span(t->iso8601), span_text(cases[i].iso8601)));
        check(cases[i].zone, span_equal(times_span(t->error), span_text(cases[i].error)));
        check(cases[i].zone, span_equal(times_span(t->syslog), span_text(cases[i].syslog)));
    }
}

static void now_is_now(void **state)
{
    time_t before = time(NULL) - 1;

    (void)state;
    assert_in_range(times_now()->second, before, before + 3);
}

static void *another_thread(void *mine)
{
    return times_at(784111777) == mine ? mine : NULL;
}

static void each_thread_has_its_own(void **state)
{
    const struct times *mine = times_at(1);
    pthread_t thread;
    void *same;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, another_thread, (void *)(uintptr_t)mine),
                     0);
    assert_int_equal(pthread_join(thread, &same), 0);
    assert_null(same);
    assert_int_equal(mine->second, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_a_second),
        cmocka_unit_test(now_is_now),
        cmocka_unit_test(each_thread_has_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
