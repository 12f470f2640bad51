/* Every method of choosing, walked by table: shares, and what each promises besides. */
#include <stdio.h>

#include "base/test/check.h"
#include "gate/balance/balance.h"

enum { PEERS = 4, PICKS = 100000 };

struct fixture {
    struct arena arena;
    struct peers peers;
    struct peer all[PEERS];
};

static void open_peers(struct fixture *f, const char *name, const uint32_t weights[PEERS])
{
    *f = (struct fixture){0};
    for (size_t i = 0; i < PEERS; i++)
        f->all[i] =
            (struct peer){.weight = weights[i], .max_fails = 1, .fail_timeout_ms = 10000};
    assert_non_null(balance_find(name));
    assert_int_equal(
        balance_open(&f->peers, f->all, PEERS, balance_find(name), &f->arena, NULL), RC_OK);
}

static void close_peers(struct fixture *f)
{
    balance_close(&f->peers);
    arena_clear(&f->arena);
}

/* One request of a group, which stays in flight. */
static size_t begin(struct fixture *f)
{
    uint64_t tried[BALANCE_WORDS(PEERS)] = {0};

    return balance_pick(&f->peers, 1, tried);
}

static void end(struct fixture *f, size_t index)
{
    assert_false(balance_free(&f->peers, index, false, 1));
}

static const struct {
    const char *name;
    uint32_t weights[PEERS];
    double tolerance; /* of a server's due share */
} fair[] = {
    {"round_robin", {1, 1, 1, 1}, 0.01},   {"round_robin", {5, 1, 2, 9}, 0.01},
    {"least_conn", {1, 1, 1, 1}, 0.01},    {"least_conn", {5, 1, 2, 9}, 0.01},
    {"least_conn", {100, 1, 50, 7}, 0.01},
};

static void shares_follow_weights(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fair / sizeof *fair; i++) {
        uint64_t hits[PEERS] = {0}, sum = 0;
        struct fixture f;

        open_peers(&f, fair[i].name, fair[i].weights);
        for (size_t n = 0; n < PICKS; n++) {
            size_t index = begin(&f);

            check(fair[i].name, index < PEERS);
            hits[index]++;
            end(&f, index);
        }
        for (size_t p = 0; p < PEERS; p++)
            sum += fair[i].weights[p];
        for (size_t p = 0; p < PEERS; p++) {
            double due = (double)PICKS * fair[i].weights[p] / (double)sum;
            double off = (double)hits[p] / due - 1;

            check(fair[i].name, off <= fair[i].tolerance && off >= -fair[i].tolerance);
        }
        close_peers(&f);
    }
}

/* Whichever it is: only those that may be asked are, each once, and none is left out. */
static void all_that_may_be_asked_are(void **state)
{
    static const uint32_t weights[PEERS] = {3, 1, 1, 2};

    (void)state;
    for (size_t i = 0; balance_at(i); i++) {
        uint64_t tried[BALANCE_WORDS(PEERS)] = {0};
        struct fixture f;

        open_peers(&f, balance_at(i)->name, weights);
        f.all[1].down = true;
        for (size_t n = 0; n < PEERS - 1; n++)
            check(balance_at(i)->name, balance_pick(&f.peers, 1, tried) != BALANCE_NONE);
        check(balance_at(i)->name, tried[0] == 0xd);
        check(balance_at(i)->name, balance_pick(&f.peers, 1, tried) == BALANCE_NONE);
        close_peers(&f);
    }
}

static void names_and_docs(void **state)
{
    (void)state;
    for (size_t i = 0; balance_at(i); i++) {
        assert_ptr_equal(balance_find(balance_at(i)->name), balance_at(i));
        assert_non_null(balance_at(i)->doc);
    }
    assert_null(balance_find("least_con"));
}

static void least_conn_spares_the_busy(void **state)
{
    static const uint32_t weights[PEERS] = {1, 1, 2, 4};
    size_t hits[PEERS] = {0};
    struct fixture f;

    (void)state;
    open_peers(&f, "least_conn", weights);
    for (int i = 0; i < 80; i++)
        hits[begin(&f)]++; /* all stay: as many for each unit of weight */
    for (size_t p = 0; p < PEERS; p++)
        assert_int_equal(hits[p], 10 * weights[p]);
    for (int i = 0; i < 5; i++)
        end(&f, 1);
    for (int i = 0; i < 5; i++)
        assert_int_equal(begin(&f),
                         1); /* the one that has fewer gets all until it has as many */
    close_peers(&f);
}

/* As nginx takes turns among equals: the same smooth order as round robin. */
static void least_conn_takes_turns_when_idle(void **state)
{
    static const uint32_t weights[PEERS] = {5, 1, 1, 3};
    struct fixture least, turns;

    (void)state;
    open_peers(&least, "least_conn", weights);
    open_peers(&turns, "round_robin", weights);
    for (int i = 0; i < 100; i++) {
        size_t index = begin(&least);

        assert_int_equal(index, begin(&turns));
        end(&least, index);
        end(&turns, index);
    }
    close_peers(&turns);
    close_peers(&least);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_follow_weights),
        cmocka_unit_test(all_that_may_be_asked_are),
        cmocka_unit_test(names_and_docs),
        cmocka_unit_test(least_conn_spares_the_busy),
        cmocka_unit_test(least_conn_takes_turns_when_idle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
