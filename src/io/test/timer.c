#include "io/timer.h"

#include <stdlib.h>

#include "base/test/check.h"

enum { COUNT = 300, DAY = 24 * 60 * 60 * 1000 };

/* The model beside each timer: when it is due, 0 for not at all. */
static struct one {
    struct timer timer;
    uint64_t due;
} all[COUNT];
static struct timers *timers;
static uint64_t now, last_fired;
static unsigned fired;
static bool restless; /* timers that fire set and clear others */

static uint64_t random_time(void)
{
    static const uint64_t scales[] = {1, 3, 70, 5000, 300000, DAY, 40ull * DAY, 4000ull * DAY};
    uint64_t scale = scales[(unsigned)rand() % 8];

    return (uint64_t)rand() % (scale + 1);
}

static void set(struct one *one, uint64_t in_ms)
{
    timer_set(timers, &one->timer, in_ms);
    one->due = now + (in_ms > 0 ? in_ms : 1);
}

/* Is due, in order; then sets, or clears, some others. */
static void fire(struct timer *timer)
{
    struct one *one = LIST_OWNER(timer, struct one, timer);
    struct one *other = &all[rand() % COUNT];

    assert_false(timer_is_set(timer));
    assert_true(one->due != 0 && one->due <= now && one->due >= last_fired);
    last_fired = one->due;
    one->due = 0;
    fired++;
    if (!restless)
        return;
    if (rand() % 4 == 0)
        set(one, random_time());
    if (rand() % 4 == 0) {
        timer_clear(&other->timer);
        other->due = 0;
    }
    if (rand() % 8 == 0)
        set(other, random_time());
}

static uint64_t earliest(void)
{
    uint64_t first = UINT64_MAX;

    for (size_t i = 0; i < COUNT; i++)
        if (all[i].due && all[i].due < first)
            first = all[i].due;
    return first;
}

static void run(void)
{
    last_fired = 0;
    timers_run(timers, now);
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(all[i].due == 0 || all[i].due > now);
        assert_int_equal(timer_is_set(&all[i].timer), all[i].due != 0);
    }
}

static void agrees_with_a_sorted_list(void **state)
{
    (void)state;
    restless = true;
    srand(1);
    for (int round = 0; round < 3000; round++) {
        struct one *one = &all[rand() % COUNT];
        int wait;

        if (rand() % 8 == 0)
            timers_set_now(timers, now += (unsigned)rand() % 20);
        if (rand() % 5 == 0) {
            timer_clear(&one->timer);
            one->due = 0;
        } else {
            set(one, random_time());
        }
        wait = timers_wait_ms(timers, now);
        if (wait < 0)
            assert_true(earliest() == UINT64_MAX);
        else
            assert_true(now + (uint64_t)wait <= earliest() || earliest() <= now);
        now += rand() % 3 ? (uint64_t)(wait > 0 ? wait : 0) : random_time() / 4;
        run();
    }
    assert_in_range(fired, 1000, UINT32_MAX);
}

/* Waiting for what timers_wait_ms says must come to the deadline, in few steps. */
static void far_deadlines_are_exact(void **state)
{
    static const uint64_t far[] = {1, 63, 64, 65, 4095, 4096, 60000, DAY, 49ull * DAY};

    (void)state;
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        unsigned before = fired, steps = 0;
        uint64_t due = now + far[i];

        set(&all[0], far[i]);
        while (fired == before) {
            int wait = timers_wait_ms(timers, now);

            assert_in_range(wait, 1, INT32_MAX);
            now += (uint64_t)wait;
            timers_run(timers, now);
            assert_in_range(++steps, 1, 20);
        }
        assert_int_equal(now, due);
        timer_clear(&all[0].timer);
        all[0].due = 0;
    }
}

static void a_timer_beyond_all_time_does_not_wrap(void **state)
{
    (void)state;
    timer_set(timers, &all[0].timer, UINT64_MAX);
    assert_int_equal(all[0].timer.at_ms, UINT64_MAX);
    now += 100ull * DAY;
    timers_run(timers, now);
    assert_true(timer_is_set(&all[0].timer));
    timer_clear(&all[0].timer);
    assert_int_equal(timers_wait_ms(timers, now), -1);
}

static int begin(void **state)
{
    (void)state;
    now = 123456789;
    fired = 0;
    last_fired = 0;
    restless = false;
    for (size_t i = 0; i < COUNT; i++)
        all[i] = (struct one){.timer.fire = fire};
    return timers_open(&timers, now) == RC_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    timers_close(timers);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(agrees_with_a_sorted_list, begin, end),
        cmocka_unit_test_setup_teardown(far_deadlines_are_exact, begin, end),
        cmocka_unit_test_setup_teardown(a_timer_beyond_all_time_does_not_wrap, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
