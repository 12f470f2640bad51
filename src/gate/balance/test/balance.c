#include "base/test/check.h"
#include "gate/balance/test/leave.h"

enum { PEERS = 4, SECOND = 1000 };

struct fixture {
    struct arena arena;
    struct peers peers;
    struct peer all[PEERS];
};

static struct peer peer(uint32_t weight)
{
    return (struct peer){.weight = weight, .max_fails = 1, .fail_timeout_ms = 10 * SECOND};
}

static void open_peers(struct fixture *f, size_t count)
{
    assert_int_equal(balance_open(&f->peers, f->all, count, NULL, &f->arena, NULL), RC_OK);
}

static void close_peers(struct fixture *f)
{
    balance_close(&f->peers);
    arena_clear(&f->arena);
}

/* One whole request that goes well. */
static size_t visit(struct fixture *f, uint64_t now_ms)
{
    struct balance_request tried = {.tried = (uint64_t[]){0}};
    size_t index = balance_pick(&f->peers, now_ms, &tried);

    if (index != BALANCE_NONE)
        assert_false(leave(&f->peers, index, false, now_ms));
    return index;
}

static const struct {
    const char *what;
    uint32_t weights[PEERS];
    size_t count;
    const char *turns;
} sequences[] = {
    {"nginx's example",
     {5, 1, 1},
     3,
     "aabacaa"
     "aabacaa"},
    {"equals", {1, 1, 1}, 3, "abcabcabc"},
    {"one", {3}, 1, "aaaa"},
    {"two to one", {2, 1}, 2, "abaaba"},
    {"four",
     {1, 2, 3, 4},
     4,
     "dcbdacdbcd"
     "dcbdacdbcd"},
};

static void turns_are_smooth(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
        struct fixture f = {0};

        for (size_t p = 0; p < sequences[i].count; p++)
            f.all[p] = peer(sequences[i].weights[p]);
        open_peers(&f, sequences[i].count);
        for (const char *turn = sequences[i].turns; *turn; turn++)
            check(sequences[i].what, visit(&f, 1) == (size_t)(*turn - 'a'));
        close_peers(&f);
    }
}

static const uint32_t weights[][PEERS] = {
    {1, 1, 1, 1}, {5, 1, 1, 1}, {100, 1, 50, 7}, {1000, 999, 3, 300}, {7, 7, 7, 8},
};

static void shares_are_fair(void **state)
{
    enum { PICKS = 100000 };

    (void)state;
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) {
        struct fixture f = {0};
        uint64_t hits[PEERS] = {0}, sum = 0;

        for (size_t p = 0; p < PEERS; p++) {
            f.all[p] = peer(weights[i][p]);
            sum += weights[i][p];
        }
        open_peers(&f, PEERS);
        for (size_t n = 0; n < PICKS; n++)
            hits[visit(&f, n)]++;
        for (size_t p = 0; p < PEERS; p++) {
            uint64_t due = (uint64_t)PICKS * weights[i][p] / sum;

            assert_in_range(hits[p], due - due / 100 - 1, due + due / 100 + 1);
        }
        close_peers(&f);
    }
}

static void a_failed_peer_rests_then_one_request_probes_it(void **state)
{
    struct balance_request tried = {.tried = (uint64_t[]){0}},
                           other = {.tried = (uint64_t[]){0}};
    struct fixture f = {.all = {peer(1), peer(1)}};

    (void)state;
    open_peers(&f, 2);
    assert_int_equal(balance_pick(&f.peers, 5 * SECOND, &tried), 0);
    assert_true(leave(&f.peers, 0, true, 5 * SECOND));
    assert_int_equal(balance_pick(&f.peers, 5 * SECOND, &tried), 1); /* the next one's turn */
    assert_false(leave(&f.peers, 1, false, 5 * SECOND));
    assert_int_equal(balance_pick(&f.peers, 5 * SECOND, &tried), BALANCE_NONE);
    for (int i = 0; i < 10; i++)
        assert_int_equal(visit(&f, 15 * SECOND), 1);

    /* Its rest is over: one request goes there, the others wait for what becomes of it. */
    tried.tried[0] = 2;
    assert_int_equal(balance_pick(&f.peers, 15 * SECOND + 1, &tried), 0);
    other.tried[0] = 2;
    assert_int_equal(balance_pick(&f.peers, 15 * SECOND + 1, &other), BALANCE_NONE);
    assert_false(leave(&f.peers, 0, false, 15 * SECOND + 2));
    assert_int_equal(f.all[0].fails, 0);
    other.tried[0] = 2;
    assert_int_equal(balance_pick(&f.peers, 15 * SECOND + 3, &other), 0);
    assert_false(leave(&f.peers, 0, false, 15 * SECOND + 3));
    close_peers(&f);
}

/* Equals take turns by place while all weigh the same, and by credit while a failure has lowered one. */
static void equals_stay_equal_whatever_happens(void **state)
{
    struct fixture f = {.all = {peer(1), peer(1), peer(1), peer(1)}};
    size_t hits[PEERS] = {0}, most = 0, least = SIZE_MAX;

    (void)state;
    f.all[1].down = true;
    open_peers(&f, PEERS);
    for (size_t n = 0; n < 300; n++)
        hits[visit(&f, n)]++;
    for (size_t i = 0; i < PEERS; i++)
        assert_int_equal(hits[i], i == 1 ? 0 : 100);
    f.all[1].down = false;
    memset(hits, 0, sizeof hits);
    for (uint64_t n = 0; n < 4000;
         n++) { /* each fails now and then, and is well again after its rest */
        struct balance_request tried = {.tried = (uint64_t[]){0}};
        size_t index = balance_pick(&f.peers, n * SECOND, &tried);

        hits[index]++;
        leave(&f.peers, index, n % 97 == 0, n * SECOND);
    }
    for (size_t i = 0; i < PEERS; i++) {
        most = hits[i] > most ? hits[i] : most;
        least = hits[i] < least ? hits[i] : least;
    }
    assert_in_range(most - least, 0, 4000 / 20);
    for (size_t n = 0; n < 40; n++)
        visit(&f, 5000 * SECOND + n);
    assert_false(f.peers.weakened);
    close_peers(&f);
}

static void failures_count_up_to_their_limit(void **state)
{
    struct fixture f = {.all = {peer(4), peer(4)}};

    (void)state;
    f.all[0].max_fails = 3;
    f.all[1].max_fails = 0; /* never counted */
    open_peers(&f, 2);
    for (int i = 1; i <= 5; i++) {
        struct balance_request tried = {.tried = (uint64_t[]){1}};

        assert_int_equal(balance_pick(&f.peers, SECOND, &tried), 1);
        assert_false(leave(&f.peers, 1, true, SECOND));
    }
    for (int i = 1; i <= 3; i++) {
        struct balance_request tried = {.tried = (uint64_t[]){2}};

        assert_int_equal(balance_pick(&f.peers, SECOND, &tried), 0);
        assert_true(leave(&f.peers, 0, true, SECOND) == (i == 3));
        assert_in_range(f.all[0].effective, 1, 3); /* lowered, and raised by one a pick */
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(visit(&f, SECOND), 1);
    close_peers(&f);
}

static void the_only_peer_never_rests(void **state)
{
    struct fixture f = {.all = {peer(1)}};

    (void)state;
    open_peers(&f, 1);
    for (int i = 0; i < 5; i++) {
        struct balance_request tried = {.tried = (uint64_t[]){0}};

        assert_int_equal(balance_pick(&f.peers, SECOND, &tried), 0);
        assert_int_equal(balance_pick(&f.peers, SECOND, &tried), BALANCE_NONE);
        assert_false(leave(&f.peers, 0, true, SECOND));
    }
    f.all[0].down = true;
    assert_int_equal(visit(&f, SECOND), BALANCE_NONE);
    close_peers(&f);
}

static void backups_stand_in_when_all_others_are_out(void **state)
{
    struct fixture f = {.all = {peer(1), peer(1), peer(1)}};
    struct balance_request tried = {.tried = (uint64_t[]){0}};

    (void)state;
    f.all[1].backup = true;
    f.all[2].down = true;
    open_peers(&f, 3);
    for (int i = 0; i < 4; i++)
        assert_int_equal(visit(&f, SECOND), 0);
    assert_int_equal(balance_pick(&f.peers, SECOND, &tried), 0);
    assert_true(leave(&f.peers, 0, true, SECOND));
    assert_int_equal(balance_pick(&f.peers, SECOND, &tried), 1);
    assert_false(leave(&f.peers, 1, false, SECOND));
    assert_int_equal(visit(&f, 2 * SECOND), 1);
    assert_int_equal(visit(&f, 12 * SECOND), 0);
    assert_int_equal(visit(&f, 12 * SECOND), 0);
    close_peers(&f);
}

static void those_of_one_name_are_asked_though_all_have_failed(void **state)
{
    struct fixture f = {.all = {peer(1), peer(1)}};

    (void)state;
    open_peers(&f, 2);
    for (int i = 0; i < 2; i++) {
        struct balance_request tried = {.tried = (uint64_t[]){0}};

        leave(&f.peers, balance_pick(&f.peers, 0, &tried), true, 0);
    }
    assert_int_equal(visit(&f, SECOND), BALANCE_NONE);
    f.peers.revives = true;
    assert_true(visit(&f, SECOND) != BALANCE_NONE);
    close_peers(&f);
}

static void no_peer_has_more_requests_than_max_conns(void **state)
{
    struct fixture f = {.all = {peer(10), peer(1)}};
    size_t hits[2] = {0};

    (void)state;
    f.all[0].max_conns = 3;
    f.all[1].max_conns = 2;
    open_peers(&f, 2);
    for (int i = 0; i < 6; i++) {
        struct balance_request tried = {.tried = (uint64_t[]){0}};
        size_t index = balance_pick(&f.peers, SECOND, &tried);

        if (index != BALANCE_NONE)
            hits[index]++;
    }
    assert_int_equal(hits[0], 3);
    assert_int_equal(hits[1], 2);
    assert_false(leave(&f.peers, 1, false, SECOND));
    assert_int_equal(visit(&f, SECOND), 1);
    close_peers(&f);
}

static void words_name_balancers(void **state)
{
    (void)state;
    assert_ptr_equal(balance_find("round_robin"), &balance_round_robin);
    assert_null(balance_find("least_con"));
}

/* The share of a server that has come back grows over its slow start, from nearly nothing to its weight. */
static void a_slow_start_is_slow(void **state)
{
    struct fixture f = {.all = {peer(1), peer(1)}};
    struct balance_request tried = {.tried = (uint64_t[]){0}};
    uint64_t hits[10] = {0};

    (void)state;
    f.all[1].slow_start_ms = 100 * SECOND;
    open_peers(&f, 2);
    assert_int_equal(balance_pick(&f.peers, 1, &tried), 0);
    assert_int_equal(balance_pick(&f.peers, 1, &tried), 1);
    assert_true(leave(&f.peers, 1, true, 1));
    assert_false(leave(&f.peers, 0, false, 1));
    while (f.all[1].recovered_ms == 0)
        visit(&f, 20 * SECOND);
    assert_int_equal(balance_state(&f.all[1], 20 * SECOND), PEER_STARTING);
    for (uint64_t tenth = 0; tenth < 10; tenth++)
        for (uint64_t n = 0; n < 1000; n++)
            hits[tenth] += visit(&f, 20 * SECOND + tenth * 10 * SECOND + n * 10) == 1;
    for (size_t tenth = 1; tenth < 10; tenth++)
        assert_true(hits[tenth] > hits[tenth - 1]);
    assert_in_range(hits[0], 1, 100);
    assert_in_range(hits[9], 450, 500);
    assert_int_equal(balance_state(&f.all[1], 200 * SECOND), PEER_UP);
    close_peers(&f);
}

static void one_that_drains_keeps_those_that_stick_to_it(void **state)
{
    struct fixture f = {.all = {peer(1), peer(1)}};
    struct balance_request sticks = {.tried = (uint64_t[]){0}, .wanted = 1};

    (void)state;
    f.all[0].drain = true;
    open_peers(&f, 2);
    for (int i = 0; i < 5; i++)
        assert_int_equal(visit(&f, 1), 1);
    assert_int_equal(balance_pick(&f.peers, 1, &sticks), 0);
    assert_true(leave(&f.peers, 0, true, 1));
    assert_int_equal(balance_pick(&f.peers, 1, &sticks), 1); /* its own has failed */
    close_peers(&f);
}

static int woken;

static void count_woken(struct balance_waiter *waiter)
{
    (void)waiter;
    woken++;
}

static void no_more_than_max_conns_and_the_next_is_woken(void **state)
{
    struct balance_waiter first = {.wake = count_woken}, second = {.wake = count_woken};
    struct fixture f = {.all = {peer(1), peer(1)}};

    (void)state;
    f.all[0].max_conns = f.all[1].max_conns = 2;
    open_peers(&f, 2);
    f.peers.queue = 1;
    for (int i = 0; i < 4; i++) {
        struct balance_request tried = {.tried = (uint64_t[]){0}};

        assert_int_equal(balance_pick(&f.peers, 1, &tried), i % 2);
    }
    assert_int_equal(visit(&f, 1), BALANCE_NONE);
    assert_int_equal(balance_state(&f.all[0], 1), PEER_FULL);
    assert_true(balance_wait(&f.peers, &first, false));
    assert_false(balance_wait(&f.peers, &second, false)); /* the queue has one place */
    woken = 0;
    assert_false(leave(&f.peers, 0, false, 1));
    assert_int_equal(woken, 1);
    assert_false(leave(&f.peers, 1, false, 1));
    assert_int_equal(woken, 1);
    assert_true(balance_wait(&f.peers, &second, false));
    balance_unwait(&f.peers, &second, true);
    assert_false(leave(&f.peers, 1, false, 1));
    assert_int_equal(woken, 1);
    assert_int_equal(f.peers.overflowed, 2);
    close_peers(&f);
}

/* A fifth of the requests, and ten a second besides; what is not used is saved for a while. */
static void retries_have_a_budget(void **state)
{
    struct retry_budget budget = {.percent = 20, .floor = 10}, none = {0};
    int given = 0;

    (void)state;
    for (int i = 0; i < 100; i++)
        given += retry_budget_take(&budget, 5 * SECOND);
    assert_int_equal(given, 10);
    for (int i = 0; i < 100; i++)
        given += retry_budget_take(&budget, 5 * SECOND + 500);
    assert_int_equal(given, 15);
    for (int i = 0; i < 50; i++)
        retry_budget_earn(&budget);
    for (int i = 0; i < 100; i++)
        given += retry_budget_take(&budget, 5 * SECOND + 500);
    assert_int_equal(given, 25);
    for (int i = 0; i < 100000; i++)
        retry_budget_earn(&budget);
    for (int i = 0; i < 1000; i++)
        given += retry_budget_take(&budget, 5 * SECOND + 500);
    assert_int_equal(given, 125); /* a hundred at most are saved */
    for (int i = 0; i < 1000; i++)
        assert_true(retry_budget_take(&none, 1));
}

/* A request at peer `index` that fails, or takes so long. */
static bool suffer(struct fixture *f, size_t index, unsigned status, uint64_t took_ms,
                   uint64_t now_ms)
{
    struct balance_request request = {.tried = (uint64_t[]){0}, .wanted = index + 1};
    struct balance_result result = {.outcome = BALANCE_DONE,
                                    .status = status,
                                    .began_ms = now_ms,
                                    .header_ms = now_ms + took_ms,
                                    .ended_ms = now_ms + took_ms};

    if (balance_pick(&f->peers, now_ms, &request) != index)
        return false;
    return balance_free(&f->peers, index, &result, now_ms) == BALANCE_EJECTED;
}

static void errors_in_a_row_eject_but_never_too_many(void **state)
{
    struct fixture f = {.all = {peer(1), peer(1), peer(1), peer(1)}};

    (void)state;
    open_peers(&f, 4);
    f.peers.outliers = (struct outlier_settings){
        .consecutive = 3, .interval_ms = 1000, .time_ms = 5000, .max_percent = 50};
    for (size_t p = 0; p < 3; p++) {
        assert_false(suffer(&f, p, 500, 1, 1000));
        assert_false(suffer(&f, p, 500, 1, 1000));
        assert_int_equal(suffer(&f, p, 500, 1, 1000), p < 2); /* two of four: not the third */
    }
    assert_int_equal(balance_state(&f.all[0], 2000), PEER_EJECTED);
    for (int i = 0; i < 10; i++)
        assert_in_range(visit(&f, 2000), 2, 3);
    assert_int_equal(balance_state(&f.all[0], 6000), PEER_UP);
    f.all[2].down = f.all[3].down = true;
    assert_int_not_equal(visit(&f, 3000), BALANCE_NONE); /* better those than none */
    close_peers(&f);
}

static void a_low_success_rate_and_a_long_time_eject(void **state)
{
    (void)state;
    for (int by_time = 0; by_time < 2; by_time++) {
        struct fixture f = {.all = {peer(1), peer(1), peer(1)}};

        open_peers(&f, 3);
        f.peers.outliers = (struct outlier_settings){.success_percent = 80,
                                                     .latency_percent = 300,
                                                     .interval_ms = 1000,
                                                     .time_ms = 5000,
                                                     .max_percent = 50};
        for (int i = 0; i < 30; i++)
            for (size_t p = 0; p < 3; p++)
                (void)suffer(&f, p, !by_time && p == 1 && i % 2 ? 503 : 200,
                             by_time && p == 1 ? 100 : 5, 1000 + (uint64_t)i);
        (void)suffer(&f, 0, 200, 5, 2500);
        assert_int_equal(balance_state(&f.all[0], 3000), PEER_UP);
        assert_int_equal(balance_state(&f.all[1], 3000), PEER_EJECTED);
        assert_int_equal(f.all[1].outlier.why, by_time ? OUTLIER_LATENCY : OUTLIER_RATE);
        close_peers(&f);
    }
}

static void a_health_check_has_the_word(void **state)
{
    struct fixture f = {.all = {peer(1), peer(1)}};

    (void)state;
    open_peers(&f, 2);
    assert_false(balance_set_health(&f.peers, 0, true, "", 1));
    assert_true(balance_set_health(&f.peers, 0, false, "", 1));
    assert_int_equal(balance_state(&f.all[0], 1), PEER_ILL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(visit(&f, 1), 1);
    assert_true(balance_set_health(&f.peers, 1, false, "", 1));
    assert_int_equal(visit(&f, 1), BALANCE_NONE);
    assert_true(balance_set_health(&f.peers, 0, true, "", 1));
    assert_int_equal(visit(&f, 1), 0);
    close_peers(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_are_smooth),
        cmocka_unit_test(shares_are_fair),
        cmocka_unit_test(a_failed_peer_rests_then_one_request_probes_it),
        cmocka_unit_test(equals_stay_equal_whatever_happens),
        cmocka_unit_test(failures_count_up_to_their_limit),
        cmocka_unit_test(the_only_peer_never_rests),
        cmocka_unit_test(backups_stand_in_when_all_others_are_out),
        cmocka_unit_test(those_of_one_name_are_asked_though_all_have_failed),
        cmocka_unit_test(no_peer_has_more_requests_than_max_conns),
        cmocka_unit_test(words_name_balancers),
        cmocka_unit_test(a_slow_start_is_slow),
        cmocka_unit_test(one_that_drains_keeps_those_that_stick_to_it),
        cmocka_unit_test(no_more_than_max_conns_and_the_next_is_woken),
        cmocka_unit_test(retries_have_a_budget),
        cmocka_unit_test(errors_in_a_row_eject_but_never_too_many),
        cmocka_unit_test(a_low_success_rate_and_a_long_time_eject),
        cmocka_unit_test(a_health_check_has_the_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
