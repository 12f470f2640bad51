/*
 * AES-256-GCM as the blocks of a folder use it (4096 bytes, 16 bytes bound), by every row of
 * crypto/aead.c that this processor has, beside OpenSSL's and memcpy. On one core; all take turns in a
 * round, ratios are taken within the round, and times are CPU time.
 *
 *     bench_gcm [ROUNDS]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/aead.h"
#include "turns.h"

enum {
    RUNNERS_MAX = 8,
    BLOCK = 4096,
    RUN = 1 << 20,   /* a request of the kernel */
    TURN = 32 << 20, /* bytes of one turn */
};

/* The first has no aead: it copies. */
struct runner {
    const char *name;
    struct aead *aead;
    double seconds[ROUNDS_MAX];
};

static struct runner runners[RUNNERS_MAX] = {{.name = "memcpy"}};
static size_t runner_count = 1, openssl;
static uint8_t *in, *out, tags[RUN / BLOCK][AEAD_TAG];
static const uint8_t key[AEAD_KEY] = {1}, bound[16] = {2};

static void find_rows(void)
{
    const struct aead_kind *kind;

    for (size_t i = 0; (kind = aead_kind_at(i)) && runner_count < RUNNERS_MAX; i++) {
        struct runner *r = &runners[runner_count];

        if (strcmp(kind->name, "aes-256-gcm") != 0 ||
            (kind->is_usable && !kind->is_usable()) || !(r->aead = aead_open(kind, key)))
            continue;
        r->name = kind->provider;
        if (strcmp(kind->provider, "OpenSSL") == 0)
            openssl = runner_count;
        runner_count++;
    }
    turns_need(openssl, "no OpenSSL");
}

static void crypt_run(const struct runner *r, bool seals)
{
    for (size_t i = 0; i < RUN / BLOCK; i++) {
        uint8_t nonce[AEAD_NONCE] = {(uint8_t)i, (uint8_t)(i >> 8)};
        const uint8_t *from = in + i * BLOCK;
        uint8_t *to = out + i * BLOCK;

        if (!r->aead)
            memcpy(to, from, BLOCK);
        else if (seals)
            turns_need(aead_seal(r->aead, nonce, span_of(bound, sizeof bound), from, to, BLOCK,
                                 tags[i]),
                       "sealing failed");
        else
            turns_need(aead_unseal(r->aead, nonce, span_of(bound, sizeof bound), from, to,
                                   BLOCK, tags[i]),
                       "what was sealed does not open");
    }
}

/* What is opened was sealed before, outside of the turn. */
static double turn(const struct runner *r, bool seals)
{
    double start;

    if (!seals && r->aead) {
        crypt_run(r, true);
        memcpy(in, out, RUN);
    }
    start = turns_now();
    for (size_t done = 0; done < TURN; done += RUN)
        crypt_run(r, seals);
    return turns_now() - start;
}

static void measure(bool seals, int rounds)
{
    printf("\n%s, blocks of %d bytes, runs of %d KiB\n  %-18s%6s  %-20s  %s\n",
           seals ? "seal" : "unseal", BLOCK, RUN >> 10, "", "GB/s", "  times OpenSSL",
           "  times memcpy");
    for (int round = -1; round < rounds; round++) { /* the first one warms up */
        for (size_t i = 0; i < runner_count; i++)
            runners[i].seconds[round < 0 ? 0 : round] = turn(&runners[i], seals);
    }
    for (size_t i = 0; i < runner_count; i++) {
        printf("  %-18s%6.2f", runners[i].name,
               TURN / 1e9 / turns_median(runners[i].seconds, rounds));
        turns_show_ratio(runners[i].seconds, runners[openssl].seconds, rounds);
        turns_show_ratio(runners[i].seconds, runners[0].seconds, rounds);
        putchar('\n');
    }
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 15;

    turns_need(rounds > 0 && rounds <= ROUNDS_MAX, "1 to 101 rounds");
    turns_need((in = aligned_alloc(BLOCK, RUN)) && (out = aligned_alloc(BLOCK, RUN)),
               "no memory");
    memset(in, 0x5a, RUN);
    memset(out, 0xa5, RUN);
    find_rows();
    measure(true, rounds);
    measure(false, rounds);
    while (runner_count > 1)
        aead_close(runners[--runner_count].aead);
    free(in);
    free(out);
    return 0;
}
