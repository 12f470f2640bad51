/*
 * AES-256-SIV as an encrypted folder uses it (a name of 20 bytes with an id bound, the key of a file with two strings
 * bound), by every row of crypto/siv.c that this processor has, beside libgcrypt's. On one core; all take turns
 * in a round, ratios are taken within the round, and times are CPU time.
 *
 *     bench_siv [ROUNDS]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/siv.h"
#include "turns.h"

enum { RUNNERS_MAX = 4, CALLS = 100000, TEXT_MAX = 32 };

struct runner {
    const char *name;
    struct siv *siv;
    double seconds[ROUNDS_MAX];
};

static struct runner runners[RUNNERS_MAX];
static size_t runner_count, libgcrypt;
static const uint8_t key[SIV_KEY] = {1}, text[TEXT_MAX] = {2}, id[16] = {3}, start[12] = {4};

static void find_rows(void)
{
    const struct siv_kind *kind;

    for (size_t i = 0; (kind = siv_kind_at(i)) && runner_count < RUNNERS_MAX; i++) {
        struct runner *r = &runners[runner_count];

        if ((kind->is_usable && !kind->is_usable()) || !(r->siv = kind->open(kind, key)))
            continue;
        r->name = kind->provider;
        if (strcmp(kind->provider, "libgcrypt") == 0)
            libgcrypt = runner_count;
        runner_count++;
    }
    turns_need(runner_count > 0, "no AES-SIV");
}

static double turn(const struct runner *r, size_t bound, size_t len, bool seals)
{
    const struct span strings[] = {span_of(id, sizeof id), span_of(start, sizeof start)};
    uint8_t sealed[SIV_TAG + TEXT_MAX], clear[TEXT_MAX];
    double begun;

    turns_need(siv_seal(r->siv, strings, bound, text, len, sealed), "sealing failed");
    begun = turns_now();
    for (int i = 0; i < CALLS; i++)
        turns_need(seals ? siv_seal(r->siv, strings, bound, text, len, sealed)
                         : siv_unseal(r->siv, strings, bound, sealed, SIV_TAG + len, clear),
                   "what was sealed does not open");
    return turns_now() - begun;
}

static void measure(const char *what, size_t bound, size_t len, bool seals, int rounds)
{
    printf("\n%s, %s\n  %-18s%6s  %s\n", what, seals ? "seal" : "unseal", "", "ns",
           "  times libgcrypt");
    for (int round = -1; round < rounds; round++) /* the first one warms up */
        for (size_t i = 0; i < runner_count; i++)
            runners[i].seconds[round < 0 ? 0 : round] = turn(&runners[i], bound, len, seals);
    for (size_t i = 0; i < runner_count; i++) {
        printf("  %-18s%6.0f", runners[i].name,
               turns_median(runners[i].seconds, rounds) / CALLS * 1e9);
        turns_show_ratio(runners[i].seconds, runners[libgcrypt].seconds, rounds);
        putchar('\n');
    }
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 15;

    turns_need(rounds > 0 && rounds <= ROUNDS_MAX, "1 to 101 rounds");
    find_rows();
    measure("a name", 1, 20, true, rounds);
    measure("a name", 1, 20, false, rounds);
    measure("a key", 2, 32, true, rounds);
    measure("a key", 2, 32, false, rounds);
    while (runner_count > 0)
        siv_close(runners[--runner_count].siv);
    return 0;
}
