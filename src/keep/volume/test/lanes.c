#include "keep/volume/lanes.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/test/check.h"

static const struct {
    const char *what;
    uint64_t first, end;
    bool writes, holder_writes, waits;
} cases[] = {
    {"two readers share", 0, 4096, false, false, false},
    {"a writer waits for a reader", 0, 4096, true, false, true},
    {"a reader waits for a writer", 512, 1024, false, true, true},
    {"a writer waits for a writer", 4095, 8192, true, true, true},
    {"behind the end", 4096, 8192, true, true, false},
};

struct waiter {
    struct lanes *lanes;
    size_t row;
    atomic_bool has;
};

static void *take_and_give(void *of)
{
    struct waiter *w = of;
    struct lane *lane =
        lanes_take(w->lanes, cases[w->row].first, cases[w->row].end, cases[w->row].writes);

    atomic_store(&w->has, true);
    lanes_give(w->lanes, lane);
    return NULL;
}

static void overlap_waits_and_the_rest_does_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lanes lanes = {0};
        struct waiter w = {.lanes = &lanes, .row = i};
        struct lane *held;
        pthread_t thread;

        assert_int_equal(lanes_init(&lanes, NULL), RC_OK);
        held = lanes_take(&lanes, 0, 4096, cases[i].holder_writes);
        assert_int_equal(pthread_create(&thread, NULL, take_and_give, &w), 0);
        if (cases[i].waits) {
            usleep(20000);
            check(cases[i].what, !atomic_load(&w.has));
            lanes_give(&lanes, held);
            pthread_join(thread, NULL);
        } else {
            pthread_join(thread, NULL);
            lanes_give(&lanes, held);
        }
        check(cases[i].what, atomic_load(&w.has));
        lanes_clear(&lanes);
    }
}

static void every_lane_has_its_own_room(void **state)
{
    struct lanes lanes = {0};
    struct lane *taken[LANES];

    (void)state;
    assert_int_equal(lanes_init(&lanes, NULL), RC_OK);
    for (size_t i = 0; i < LANES; i++) {
        taken[i] = lanes_take(&lanes, i * 512, (i + 1) * 512, true);
        memset(taken[i]->room, (int)i, LANE_ROOM);
    }
    for (size_t i = 0; i < LANES; i++) {
        assert_int_equal(taken[i]->room[0], i);
        assert_int_equal(taken[i]->room[LANE_ROOM - 1], i);
        lanes_give(&lanes, taken[i]);
    }
    lanes_clear(&lanes);
    lanes_clear(&lanes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlap_waits_and_the_rest_does_not),
        cmocka_unit_test(every_lane_has_its_own_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
