#include "gate/balance/ledger.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test/check.h"
#include "gate/balance/test/leave.h"

enum { PEERS = 3, SECOND = 1000, MINUTE = 60 * SECOND };

/* A worker's own view of a group. */
struct worker {
    struct arena arena;
    struct peers peers;
    struct peer all[PEERS];
};

/* `first`: what the first server's key is; the others' follow. */
static void begin(struct worker *w, struct ledger *ledger, uint8_t first, uint64_t now_ms,
                  void (*settings)(struct worker *w))
{
    *w = (struct worker){0};
    for (size_t i = 0; i < PEERS; i++) {
        w->all[i] = (struct peer){.weight = 8, .max_fails = 1, .fail_timeout_ms = 10 * SECOND};
        w->all[i].key[0] = (uint8_t)(first + i);
    }
    assert_int_equal(balance_open(&w->peers, w->all, PEERS, NULL, &w->arena, NULL), RC_OK);
    if (settings)
        settings(w);
    balance_remember(&w->peers, ledger, now_ms);
}

static void end(struct worker *w)
{
    balance_close(&w->peers);
    arena_clear(&w->arena);
}

static struct ledger *open_ledger(size_t servers, struct ledger *before)
{
    struct ledger *ledger = NULL;

    assert_int_equal(ledger_open(&ledger, servers, 0, before, NULL), RC_OK);
    return ledger;
}

/* One request, which fails at server `bad`. */
static size_t visit(struct worker *w, size_t bad, uint64_t now_ms)
{
    struct balance_request tried = {.tried = (uint64_t[]){0}};
    size_t index = balance_pick(&w->peers, now_ms, &tried);

    if (index != BALANCE_NONE)
        (void)leave(&w->peers, index, index == bad, now_ms);
    return index;
}

static bool is_asked(struct worker *w, size_t server, uint64_t now_ms)
{
    bool asked = false;

    for (int i = 0; i < 2 * PEERS; i++)
        asked = visit(w, PEERS, now_ms) == server || asked;
    return asked;
}

static void what_one_finds_out_the_other_knows(void **state)
{
    struct ledger *ledger = open_ledger(PEERS, NULL);
    struct worker old, new;

    (void)state;
    begin(&old, ledger, 1, SECOND, NULL);
    for (int i = 0; i < PEERS; i++)
        (void)visit(&old, 1, SECOND);
    assert_false(is_asked(&old, 1, 2 * SECOND));
    begin(&new, ledger, 1, 2 * SECOND, NULL);
    assert_false(is_asked(&new, 1, 2 * SECOND)); /* as after a reload */
    assert_true(is_asked(&new, 1, 20 * SECOND)); /* its rest is over: it has answered */
    assert_true(is_asked(&old, 1, 20 * SECOND)); /* and the old one knows that */
    for (int i = 0; i < PEERS; i++)
        (void)visit(&old, 2, 21 * SECOND);
    assert_false(is_asked(&new, 2, 21 * SECOND)); /* the other way round */
    end(&old);
    end(&new);
    ledger_release(ledger);
}

/* Servers are told by their keys, not by their places. */
static void who_moves_stays_known(void **state)
{
    struct ledger *ledger = open_ledger(PEERS, NULL);
    struct worker old, new;

    (void)state;
    begin(&old, ledger, 1, SECOND, NULL);
    for (int i = 0; i < PEERS; i++)
        (void)visit(&old, 2, SECOND); /* key 3 */
    begin(&new, ledger, 3, SECOND, NULL);
    assert_false(is_asked(&new, 0, SECOND));
    assert_true(is_asked(&new, 1, SECOND) && is_asked(&new, 2, SECOND));
    end(&old);
    end(&new);
    ledger_release(ledger);
}

static void check_health(struct worker *w)
{
    w->peers.checks = true;
}

static void check_first(struct worker *w)
{
    w->peers.checks = w->peers.mandatory = true;
    for (size_t i = 0; i < PEERS; i++)
        w->all[i].ill = w->all[i].unchecked = true;
}

static void check_once(struct worker *w)
{
    check_first(w);
    w->peers.persistent = true;
}

static const struct {
    const char *what;
    void (*before)(struct worker *w), (*after)(struct worker *w);
    bool ill_is_asked, well_is_asked;
} reloads[] = {
    {"the ill stay ill", check_health, check_health, false, true},
    {"without checks nobody is ill", check_health, NULL, true, true},
    {"mandatory ones are asked first", check_first, check_first, false, false},
    {"persistent: who has passed has", check_once, check_once, false, true},
};

static void health_is_remembered(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof reloads / sizeof *reloads; i++) {
        struct ledger *ledger = open_ledger(PEERS, NULL);
        struct worker old, new;

        begin(&old, ledger, 1, SECOND, reloads[i].before);
        (void)balance_set_health(&old.peers, 0, false, "its status is 500", SECOND);
        (void)balance_set_health(&old.peers, 1, true, "", SECOND);
        begin(&new, ledger, 1, SECOND, reloads[i].after);
        check(reloads[i].what, is_asked(&new, 0, SECOND) == reloads[i].ill_is_asked);
        check(reloads[i].what, is_asked(&new, 1, SECOND) == reloads[i].well_is_asked);
        if (reloads[i].after == check_once)
            assert_false(is_asked(&new, 2, SECOND)); /* nobody has asked it ever */
        check(reloads[i].what, !is_asked(&old, 0, SECOND) && is_asked(&old, 1, SECOND));
        if (reloads[i].after) {
            (void)balance_set_health(&new.peers, 0, true, "it has passed", SECOND);
            check(reloads[i].what, is_asked(&new, 0, SECOND) && is_asked(&old, 0, SECOND));
        }
        end(&old);
        end(&new);
        ledger_release(ledger);
    }
}

static struct peer_figures figures_of(struct worker *w, size_t server)
{
    struct peer_history history;
    struct peer_figures figures;

    balance_lock(&w->peers);
    ledger_read(&w->peers, &w->all[server], &figures, &history);
    balance_unlock_changed(&w->peers, false);
    return figures;
}

static void figures_add_up(void **state)
{
    struct ledger *ledger = open_ledger(PEERS, NULL);
    struct worker old, new;
    struct balance_request tried = {.tried = (uint64_t[]){0}};
    size_t late;

    (void)state;
    begin(&old, ledger, 1, 10 * SECOND, NULL);
    for (int i = 0; i < 9; i++)
        (void)visit(&old, PEERS, 10 * SECOND);
    assert_int_equal(figures_of(&old, 0).requests, 3);
    late = balance_pick(&old.peers, 10 * SECOND, &tried);
    balance_leave(&old.peers, 10 * SECOND);
    begin(&new, ledger, 1, 10 * SECOND, NULL);
    for (int i = 0; i < 6; i++)
        (void)visit(&new, PEERS, 10 * SECOND);
    (void)leave(&old.peers, late, true,
                10 * SECOND); /* it is counted after the leave, at once */
    assert_int_equal(figures_of(&new, late).requests, 6);
    assert_int_equal(figures_of(&new, late).outcomes[BALANCE_ERROR], 1);
    end(&old);
    end(&new);
    ledger_release(ledger);
}

static void the_last_changes_are_kept(void **state)
{
    struct ledger *ledger = open_ledger(PEERS, NULL);
    struct peer_history history;
    struct peer_figures figures;
    struct worker old, new;

    (void)state;
    begin(&old, ledger, 1, SECOND, check_health);
    for (uint64_t i = 0; i < LEDGER_CHANGES + 3; i++)
        (void)balance_set_health(&old.peers, 0, i % 2, i % 2 ? "it has passed" : "timed out",
                                 i);
    begin(&new, ledger, 1, SECOND, check_health);
    balance_lock(&new.peers);
    ledger_read(&new.peers, &new.all[0], &figures, &history);
    balance_unlock_changed(&new.peers, false);
    assert_int_equal(history.count, LEDGER_CHANGES);
    for (size_t i = 0; i < history.count; i++) {
        assert_int_equal(history.all[i].at_ms, i + 3);
        assert_string_equal(history.all[i].why, i % 2 ? "timed out" : "it has passed");
    }
    end(&old);
    end(&new);
    ledger_release(ledger);
}

static void who_left_long_ago_begins_anew(void **state)
{
    struct ledger *ledger = open_ledger(PEERS, NULL);
    struct worker w;

    (void)state;
    begin(&w, ledger, 1, SECOND, check_health);
    for (uint64_t gone = 0; gone < 2; gone++) {
        uint64_t now = SECOND + gone * 10 * MINUTE;

        (void)balance_set_health(&w.peers, 0, false, "timed out", now);
        balance_lock(&w.peers);
        balance_part(&w.peers, 0, now);
        balance_enter(&w.peers, 0, (struct span){0}, now + (gone ? 2 * MINUTE : SECOND));
        balance_unlock_changed(&w.peers, true);
        assert_int_equal(is_asked(&w, 0, now + 3 * MINUTE), gone);
    }
    end(&w);
    ledger_release(ledger);
}

/* More servers come and go than there is room for: those that are there keep what is known of them. */
static void room_goes_to_those_that_are_there(void **state)
{
    struct ledger *small = open_ledger(PEERS, NULL), *large;
    struct worker w, grown;

    (void)state;
    begin(&w, small, 1, SECOND, check_health);
    (void)balance_set_health(&w.peers, 0, false, "timed out", SECOND);
    for (int i = 0; i < 1000; i++) {
        balance_lock(&w.peers);
        balance_part(&w.peers, 2, SECOND);
        memcpy(w.all[2].key, &i, sizeof i);
        w.all[2].key[PEER_KEY - 1] = 1;
        balance_enter(&w.peers, 2, SPAN("a place"), SECOND);
        balance_unlock_changed(&w.peers, true);
    }
    large = open_ledger(1000, small);
    assert_ptr_not_equal(large, small);
    begin(&grown, large, 1, SECOND, check_health);
    assert_false(is_asked(&grown, 0, SECOND));
    assert_true(is_asked(&grown, 1, SECOND));
    end(&w);
    end(&grown);
    ledger_release(small);
    ledger_release(large);
}

/* A worker that is killed while it writes leaves a ledger that others go on with. */
static void a_killed_worker_leaves_a_ledger(void **state)
{
    struct ledger *ledger = open_ledger(PEERS, NULL);
    struct worker w;

    (void)state;
    begin(&w, ledger, 1, SECOND, check_health);
    for (int round = 0; round < 20; round++) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
            for (uint64_t i = 0;; i++) {
                (void)balance_set_health(&w.peers, i % PEERS, i % 2, "timed out", i);
                (void)visit(&w, 1, i);
            }
        }
        usleep(1000 + round * 100);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        for (size_t i = 0; i < PEERS; i++)
            (void)balance_set_health(&w.peers, i, true, "it has passed", SECOND);
        assert_int_not_equal(visit(&w, PEERS, UINT64_C(1000000) * MINUTE), BALANCE_NONE);
    }
    end(&w);
    ledger_release(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_finds_out_the_other_knows),
        cmocka_unit_test(who_moves_stays_known),
        cmocka_unit_test(health_is_remembered),
        cmocka_unit_test(figures_add_up),
        cmocka_unit_test(the_last_changes_are_kept),
        cmocka_unit_test(who_left_long_ago_begins_anew),
        cmocka_unit_test(room_goes_to_those_that_are_there),
        cmocka_unit_test(a_killed_worker_leaves_a_ledger),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
