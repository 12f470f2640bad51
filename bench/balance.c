/*
 * What the choice of a server costs: one pick and its end, by each method, at 10 and at 1,000
 * servers, with weights 1 to 5 and all of one. All take turns in a round, ratios are taken within the round,
 * and times are CPU time.
 *
 *     bench_balance [ROUNDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gate/balance/balance.h"

enum { ROUNDS_MAX = 101, METHODS_MAX = 24, PICKS = 20000, PEERS_MAX = 1000 };

struct method {
    const struct balance *balance;
    struct arena arena;
    struct peers peers;
    struct peer all[PEERS_MAX];
    char names[PEERS_MAX][24];
    double ns[ROUNDS_MAX]; /* a pick */
};

static struct method methods[METHODS_MAX];
static size_t method_count;

static void need(bool done, const char *what)
{
    if (!done) {
        fprintf(stderr, "bench_balance: %s\n", what);
        exit(1);
    }
}

static void open_method(struct method *m, size_t count, unsigned weights)
{
    for (size_t i = 0; i < count; i++) {
        snprintf(m->names[i], sizeof m->names[i], "10.0.%zu.%zu:80", i / 250, i % 250);
        m->all[i] = (struct peer){
            .weight = 1 + (uint32_t)i % weights,
            .max_fails = 1,
            .fail_timeout_ms = 10000,
            .name = span_text(m->names[i]),
        };
    }
    need(balance_open(&m->peers, m->all, count, m->balance, &m->arena, NULL) == RC_OK,
         "no memory");
}

static void close_method(struct method *m)
{
    balance_close(&m->peers);
    arena_clear(&m->arena);
}

static void pick_once(struct method *m, uint32_t n)
{
    uint64_t tried[BALANCE_WORDS(PEERS_MAX)] = {0};
    struct balance_request request = {.tried = tried};
    char key[32] = "/images/00000000.jpg?x=1";
    size_t index;

    for (size_t i = 15; n > 0; n /= 10)
        key[i--] = (char)('0' + n % 10);
    request.key =
        m->balance->key == BALANCE_KEY_ADDRESS ? span_of(key + 13, 3) : span_text(key);
    index = balance_pick(&m->peers, 1, &request);

    need(index != BALANCE_NONE, "nobody was chosen");
    balance_free(&m->peers, index, &(struct balance_result){.began_ms = 1}, 1);
}

static double turn(struct method *m)
{
    struct timespec start, end;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    for (uint32_t n = 0; n < PICKS; n++)
        pick_once(m, n);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    return ((double)(end.tv_sec - start.tv_sec) * 1e9 +
            (double)(end.tv_nsec - start.tv_nsec)) /
           PICKS;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void show(const struct method *m, int rounds)
{
    double ns[ROUNDS_MAX], ratio[ROUNDS_MAX];

    for (int i = 0; i < rounds; i++) {
        ns[i] = m->ns[i];
        ratio[i] = m->ns[i] / methods[0].ns[i];
    }
    qsort(ns, (size_t)rounds, sizeof *ns, compare);
    qsort(ratio, (size_t)rounds, sizeof *ratio, compare);
    printf("  %-30s%8.1f  %6.2f [%5.2f..%5.2f]\n", m->balance->name, ns[rounds / 2],
           ratio[rounds / 2], ratio[0], ratio[rounds - 1]);
}

static void measure(size_t count, unsigned weights, int rounds)
{
    printf("\n%zu servers%s\n  %-30s%8s  %s\n", count, weights > 1 ? "" : " of one weight", "",
           "ns", "times round robin");
    for (size_t i = 0; i < method_count; i++)
        open_method(&methods[i], count, weights);
    for (int round = -1; round < rounds; round++) { /* the first one warms up */
        for (size_t i = 0; i < method_count; i++)
            methods[i].ns[round < 0 ? 0 : round] = turn(&methods[i]);
    }
    for (size_t i = 0; i < method_count; i++) {
        show(&methods[i], rounds);
        close_method(&methods[i]);
    }
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 15;

    need(rounds > 0 && rounds <= ROUNDS_MAX, "1 to 101 rounds");
    while (method_count < METHODS_MAX && balance_at(method_count)) {
        methods[method_count].balance = balance_at(method_count);
        method_count++;
    }
    for (unsigned weights = 1; weights <= 5; weights += 4) {
        measure(10, weights, rounds);
        measure(PEERS_MAX, weights, rounds);
    }
    return 0;
}
