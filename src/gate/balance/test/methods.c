/* Every method of choosing, walked by table: shares, and what each promises besides. */
#include <stdio.h>

#include "base/test/check.h"
#include "gate/balance/test/leave.h"

enum { PEERS = 4, PICKS = 100000 };

struct fixture {
    struct arena arena;
    struct peers peers;
    struct peer all[PEERS];
    uint32_t asked; /* makes keys */
};

static const char *const servers[PEERS] = {"10.0.0.1:80", "10.0.0.2:80", "a.example:8080",
                                           "unix:/run/b"};

static void open_peers(struct fixture *f, const char *name, const uint32_t weights[PEERS])
{
    *f = (struct fixture){0};
    for (size_t i = 0; i < PEERS; i++)
        f->all[i] = (struct peer){.weight = weights[i],
                                  .max_fails = 1,
                                  .fail_timeout_ms = 10000,
                                  .name = span_text(servers[i])};
    assert_non_null(balance_find(name));
    assert_int_equal(
        balance_open(&f->peers, f->all, PEERS, balance_find(name), &f->arena, NULL), RC_OK);
}

static void close_peers(struct fixture *f)
{
    balance_close(&f->peers);
    arena_clear(&f->arena);
}

/* A request with a key of its own: a text, or an address in 10.0.0.0/8. */
static size_t ask(struct fixture *f, uint32_t n, uint64_t *tried)
{
    uint8_t address[3] = {10, (uint8_t)(n >> 8), (uint8_t)n};
    char text[32];
    struct balance_request request = {.tried = tried};

    snprintf(text, sizeof text, "/item/%u", n);
    request.key =
        f->peers.balance->key == BALANCE_KEY_ADDRESS ? span_of(address, 3) : span_text(text);
    return balance_pick(&f->peers, 1, &request);
}

/* One more request, which stays in flight. */
static size_t begin(struct fixture *f)
{
    return ask(f, f->asked++, (uint64_t[]){0});
}

static void end(struct fixture *f, size_t index)
{
    assert_false(leave(&f->peers, index, false, 1));
}

#define RING 0.25

/*
 * Not here: weights of least_time and of those that compare two, which are a part of what is compared. Where all
 * are as fast, or idle, that says nothing of shares.
 */
static const struct {
    const char *name;
    uint32_t weights[PEERS];
    double
        tolerance; /* of a server's due share; of all picks it is a hundredth, but for RING */
} fair[] = {
    {"round_robin", {1, 1, 1, 1}, 0.01},
    {"round_robin", {5, 1, 2, 9}, 0.01},
    {"least_conn", {1, 1, 1, 1}, 0.01},
    {"least_conn", {5, 1, 2, 9}, 0.01},
    {"least_conn", {100, 1, 50, 7}, 0.01},
    {"hash", {1, 1, 1, 1}, 0.01},
    {"hash", {5, 1, 2, 9}, 0.02},
    {"ip_hash", {1, 1, 1, 1}, 0.01},
    {"random", {1, 1, 1, 1}, 0.03}, /* chance: five standard deviations and more */
    {"random", {5, 1, 2, 9}, 0.08},
    {"random two", {1, 1, 1, 1}, 0.03},
    {"ip_hash", {5, 1, 2, 9}, 0.02},
    {"hash consistent", {1, 1, 1, 1}, RING}, /* 160 points each */
    {"hash consistent", {5, 1, 2, 9}, 0.09},
    {"hash consistent", {500, 500, 500, 500}, 0.02},
    {"hash maglev", {1, 1, 1, 1}, 0.01},
    {"hash maglev", {5, 1, 2, 9}, 0.02},
    {"least_time header", {1, 1, 1, 1}, 0.01},
    {"least_time last_byte", {1, 1, 1, 1}, 0.01},
    {"least_time header inflight", {1, 1, 1, 1}, 0.01},
    {"least_time last_byte inflight", {1, 1, 1, 1}, 0.01},
    {"random two least_time=header", {1, 1, 1, 1}, 0.03},
    {"random two least_time=last_byte", {1, 1, 1, 1}, 0.03},
    {"random two peak_ewma", {1, 1, 1, 1}, 0.03},
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
            off *= due / PICKS;
            check(fair[i].name, fair[i].tolerance == RING || (off <= 0.01 && off >= -0.01));
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
        uint64_t tried[1] = {0};
        struct fixture f;

        open_peers(&f, balance_at(i)->name, weights);
        f.all[1].down = true;
        for (size_t n = 0; n < PEERS - 1; n++)
            check(balance_at(i)->name, ask(&f, 7, tried) != BALANCE_NONE);
        check(balance_at(i)->name, tried[0] == 0xd);
        check(balance_at(i)->name, ask(&f, 7, tried) == BALANCE_NONE);
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

/* The same key, the same server; and when one leaves, who of the others' keys move? */
static const struct {
    const char *name;
    bool moves_few;
} stable[] = {
    {"hash", false}, {"ip_hash", false}, {"hash consistent", true}, {"hash maglev", false}};

static void a_key_stays_at_its_server(void **state)
{
    static const uint32_t weights[PEERS] = {3, 1, 1, 2};
    static size_t before[PICKS];

    (void)state;
    for (size_t i = 0; i < sizeof stable / sizeof *stable; i++) {
        size_t moved = 0, of_gone = 0;
        struct fixture f;

        open_peers(&f, stable[i].name, weights);
        for (uint32_t n = 0; n < PICKS; n++) {
            before[n] = ask(&f, n, (uint64_t[]){0});
            end(&f, before[n]);
        }
        for (uint32_t n = 0; n < PICKS; n += 10) {
            size_t index = ask(&f, n, (uint64_t[]){0});

            check(stable[i].name, index == before[n]);
            end(&f, index);
        }
        close_peers(&f);

        open_peers(&f, stable[i].name, weights); /* the last one is gone from the file */
        balance_close(&f.peers);
        assert_int_equal(balance_open(&f.peers, f.all, PEERS - 1, balance_find(stable[i].name),
                                      &f.arena, NULL),
                         RC_OK);
        for (uint32_t n = 0; n < PICKS; n++) {
            size_t index = ask(&f, n, (uint64_t[]){0});

            of_gone += before[n] == PEERS - 1;
            moved += index != before[n];
            end(&f, index);
        }
        check(stable[i].name, stable[i].moves_few ? moved == of_gone : moved >= of_gone);
        close_peers(&f);
    }
}

/* When one of ten equal servers leaves the file, a table of Maglev moves little more than its keys. */
static void maglev_moves_few_keys(void **state)
{
    enum { COUNT = 10 };
    static size_t before[PICKS];
    struct peer all[COUNT] = {0};
    char names[COUNT][16];
    struct fixture f = {0};
    size_t moved = 0, of_gone = 0;

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "10.0.0.%zu:80", i);
        all[i] = (struct peer){.weight = 1, .name = span_text(names[i])};
    }
    for (size_t count = COUNT; count >= COUNT - 1; count--) {
        assert_int_equal(
            balance_open(&f.peers, all, count, balance_find("hash maglev"), &f.arena, NULL),
            RC_OK);
        for (uint32_t n = 0; n < PICKS; n++) {
            size_t index = ask(&f, n, (uint64_t[]){0});

            end(&f, index);
            if (count == COUNT)
                before[n] = index;
            of_gone += count < COUNT && before[n] == COUNT - 1;
            moved += count < COUNT && before[n] != index;
        }
        balance_close(&f.peers);
    }
    print_message("maglev: %zu of %d keys moved, %zu were of the server that left\n", moved,
                  PICKS, of_gone);
    assert_in_range(of_gone, PICKS / COUNT * 98 / 100, PICKS / COUNT * 102 / 100);
    assert_in_range(moved, of_gone, PICKS / COUNT * 13 / 10);
    arena_clear(&f.arena);
}

/* All requests have one key and stay in flight: none gets further above its share than the bound. */
static void bounded_load_spreads_a_hot_key(void **state)
{
    static const char *const names[] = {"hash", "hash consistent", "hash maglev"};
    static const uint32_t weights[PEERS] = {1, 1, 1, 1};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct fixture f;

        open_peers(&f, names[i], weights);
        f.peers.load_percent = 125;
        for (uint32_t n = 1; n <= 400; n++) {
            check(names[i], ask(&f, 7, (uint64_t[]){0}) < PEERS);
            for (size_t p = 0; p < PEERS; p++)
                check(names[i], f.all[p].active <= n * 125 / 100 / PEERS + 1);
        }
        close_peers(&f);
    }
}

/* A name's slots without an address have no share: the others' are larger. */
static void bounded_load_knows_who_is_there(void **state)
{
    static const char *const names[] = {"hash", "hash maglev"};
    static const uint32_t weights[PEERS] = {1, 1, 1, 1};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        uint32_t most = 0;
        struct fixture f;

        open_peers(&f, names[i], weights);
        f.peers.load_percent = 125;
        balance_lock(&f.peers);
        f.all[PEERS - 1].absent = true;
        balance_unlock_changed(&f.peers, true);
        for (uint32_t n = 1; n <= 400; n++)
            check(names[i], ask(&f, 7, (uint64_t[]){0}) < PEERS - 1);
        for (size_t p = 0; p < PEERS; p++)
            most = f.all[p].active > most ? f.all[p].active : most;
        check(names[i], most >= 400 * 125 / 100 / (PEERS - 1) - 1);
        close_peers(&f);
    }
}

/* One server answers in 10 ms, the others in 100: by far the most go there, while few are in flight. */
static void the_fast_one_is_preferred(void **state)
{
    static const char *const names[] = {"least_time header",
                                        "least_time last_byte",
                                        "least_time header inflight",
                                        "least_time last_byte inflight",
                                        "random two least_time=header",
                                        "random two least_time=last_byte",
                                        "random two peak_ewma"};
    static const uint32_t weights[PEERS] = {1, 1, 1, 1};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        uint64_t now = 1, hits[PEERS] = {0};
        bool of_two = names[i][0] == 'r';
        struct fixture f;

        open_peers(&f, names[i], weights);
        for (uint32_t n = 0; n < 1000; n++) {
            struct balance_request request = {.tried = (uint64_t[]){0}};
            size_t index = balance_pick(&f.peers, now, &request);
            uint64_t took = index == 2 ? 10 : 100;
            struct balance_result result = {.status = 200,
                                            .began_ms = now,
                                            .header_ms = now + took,
                                            .ended_ms = now + took};

            hits[index]++;
            now += took;
            balance_free(&f.peers, index, &result, now);
        }
        print_message("%s: %llu of 1000 to the fast one\n", names[i],
                      (unsigned long long)hits[2]);
        check(names[i],
              hits[2] > (of_two ? 430 : 980)); /* of two: it is drawn every other time */
        close_peers(&f);
    }
}

/* What has not answered yet tells something too, where "inflight" asks for it. */
static void one_that_hangs_is_left(void **state)
{
    static const uint32_t weights[PEERS] = {1, 1, 1, 1};
    struct fixture f;
    size_t hangs;

    (void)state;
    open_peers(&f, "least_time header inflight", weights);
    for (size_t p = 0; p < PEERS; p++)
        end(&f, begin(&f)); /* all are known, and fast */
    hangs = begin(&f);
    for (int i = 0; i < 50; i++) {
        struct balance_request request = {.tried = (uint64_t[]){0}};
        size_t index = balance_pick(&f.peers, 10000, &request);

        assert_int_not_equal(index, hangs);
        leave(&f.peers, index, false, 10000);
    }
    close_peers(&f);
}

/* What is out of order moves its own keys alone, and gets them back. */
static void a_key_comes_back(void **state)
{
    static const uint32_t weights[PEERS] = {3, 1, 1, 2};
    static size_t before[PICKS];

    (void)state;
    for (size_t i = 0; i < sizeof stable / sizeof *stable; i++) {
        struct fixture f;

        open_peers(&f, stable[i].name, weights);
        for (uint32_t n = 0; n < PICKS; n++)
            end(&f, before[n] = ask(&f, n, (uint64_t[]){0}));
        f.all[2].down = true;
        for (uint32_t n = 0; n < PICKS; n++) {
            size_t index = ask(&f, n, (uint64_t[]){0});

            check(stable[i].name, before[n] == 2 ? index != 2 : index == before[n]);
            end(&f, index);
        }
        f.all[2].down = false;
        for (uint32_t n = 0; n < PICKS; n++) {
            size_t index = ask(&f, n, (uint64_t[]){0});

            check(stable[i].name, index == before[n]);
            end(&f, index);
        }
        close_peers(&f);
    }
}

static void an_empty_key_takes_turns(void **state)
{
    static const uint32_t weights[PEERS] = {1, 1, 1, 1};

    (void)state;
    for (size_t i = 0; i < sizeof stable / sizeof *stable; i++) {
        struct fixture f;

        open_peers(&f, stable[i].name, weights);
        for (size_t n = 0; n < 12; n++) {
            struct balance_request request = {.tried = (uint64_t[]){0}};

            assert_int_equal(balance_pick(&f.peers, 1, &request), n % PEERS);
        }
        close_peers(&f);
    }
}

/* Servers of one name have one place on the ring, and take turns there. */
static void one_name_is_one_place(void **state)
{
    static const uint32_t weights[PEERS] = {1, 1, 1, 1};
    struct fixture f;

    (void)state;
    open_peers(&f, "hash consistent", weights);
    balance_close(&f.peers);
    f.all[3].name = f.all[1].name;
    assert_int_equal(
        balance_open(&f.peers, f.all, PEERS, balance_find("hash consistent"), &f.arena, NULL),
        RC_OK);
    for (uint32_t n = 0; n < 1000; n++) {
        size_t once = ask(&f, n, (uint64_t[]){0}), again = ask(&f, n, (uint64_t[]){0});

        assert_true(once == again ? once == 0 || once == 2 : once + again == 4);
        assert_true(once == again || (once & 1));
    }
    close_peers(&f);
}

static void weights_beyond_the_ring_are_refused(void **state)
{
    struct peer all[2] = {{.weight = 65535}, {.weight = 2}};
    struct arena arena = {0};
    struct fault why = {0};
    struct peers peers;

    (void)state;
    assert_int_equal(
        balance_open(&peers, all, 2, balance_find("hash consistent"), &arena, &why), RC_LIMIT);
    assert_non_null(strstr(why.text, "65537"));
    arena_clear(&arena);
}

/* Requests that stay in flight: of two the less busy one keeps the loads together. */
static void random_two_evens_out(void **state)
{
    static const uint32_t weights[PEERS] = {1, 1, 2, 4};
    size_t hits[PEERS] = {0};
    struct fixture f;

    (void)state;
    open_peers(&f, "random two", weights);
    for (int i = 0; i < PICKS; i++)
        hits[begin(&f)]++;
    for (size_t p = 0; p < PEERS; p++) {
        size_t due = PICKS / 8 * weights[p];

        assert_in_range(hits[p], due - due / 100, due + due / 100);
    }
    close_peers(&f);
}

static void each_start_has_its_own_chance(void **state)
{
    static const uint32_t weights[PEERS] = {1, 1, 1, 1};
    struct fixture one, other;
    int differ = 0;

    (void)state;
    open_peers(&one, "random", weights);
    open_peers(&other, "random", weights);
    for (int i = 0; i < 200; i++)
        differ += begin(&one) != begin(&other);
    assert_in_range(differ, 75, 199);
    close_peers(&other);
    close_peers(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_follow_weights),
        cmocka_unit_test(all_that_may_be_asked_are),
        cmocka_unit_test(names_and_docs),
        cmocka_unit_test(least_conn_spares_the_busy),
        cmocka_unit_test(least_conn_takes_turns_when_idle),
        cmocka_unit_test(a_key_stays_at_its_server),
        cmocka_unit_test(a_key_comes_back),
        cmocka_unit_test(maglev_moves_few_keys),
        cmocka_unit_test(bounded_load_spreads_a_hot_key),
        cmocka_unit_test(bounded_load_knows_who_is_there),
        cmocka_unit_test(the_fast_one_is_preferred),
        cmocka_unit_test(one_that_hangs_is_left),
        cmocka_unit_test(an_empty_key_takes_turns),
        cmocka_unit_test(one_name_is_one_place),
        cmocka_unit_test(weights_beyond_the_ring_are_refused),
        cmocka_unit_test(random_two_evens_out),
        cmocka_unit_test(each_start_has_its_own_chance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
