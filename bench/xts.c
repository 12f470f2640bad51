/*
 * AES-256-XTS of every engine that this processor has, beside OpenSSL's EVP (a call for each
 * sector, as the portable cipher makes them), memcpy, and the rounds of AES alone in the
 * widest registers: what the processor could do if there were nothing to load, store or
 * multiply. On one core; all take turns in a round, ratios are taken within the round, and
 * times are CPU time.
 *
 *     bench_xts [ROUNDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/cipher.h"
#include "crypto/native/xts.h"
#include "rounds.h"
#include "turns.h"

enum {
    KEY_LEN = 64,
    RUNNERS_MAX = 8,
    SMALL = 128 << 10, /* stays in the cache of a core */
    LARGE = 32 << 20,
    TURN = 32 << 20, /* bytes of one turn */
};

/* `simple` has neither engine nor cipher. */
struct runner {
    const char *name;
    void (*simple)(size_t len);
    const struct xts_engine *engine;
    struct cipher *cipher;
    double seconds[ROUNDS_MAX];
};

static struct xts_keys keys;
static struct secret key;
static uint8_t *in, *out;

static void copy(size_t len)
{
    memcpy(out, in, len);
}

static struct runner runners[RUNNERS_MAX] = {{.name = "memcpy", .simple = copy},
                                             {.name = "OpenSSL EVP"}};
static size_t runner_count = 2;

static void find_engines(void)
{
    turns_need(secret_alloc(&key, KEY_LEN, NULL) == RC_OK, "no memory for a key");
    for (size_t i = 0; i < KEY_LEN; i++)
        key.at[i] = (uint8_t)i;
    for (size_t i = 0; xts_engine_at(i) && runner_count + 1 < RUNNERS_MAX; i++) {
        if (xts_engine_is_usable(xts_engine_at(i)))
            runners[runner_count++] =
                (struct runner){.name = xts_engine_at(i)->name, .engine = xts_engine_at(i)};
    }
    if (rounds_are_known())
        runners[runner_count++] =
            (struct runner){.name = "rounds alone", .simple = rounds_alone};
    if (runner_count > 2)
        xts_keys_expand(&keys, key.at, key.len);
}

static void open_evp(uint32_t sector_size)
{
    const struct cipher_kind *kind;

    cipher_close(runners[1].cipher);
    for (size_t i = 0; (kind = cipher_kind_at(i)); i++) {
        if (strcmp(kind->encryption, "aes-xts-plain64") == 0 &&
            strcmp(kind->provider, "OpenSSL") == 0)
            break;
    }
    turns_need(kind && cipher_open_kind(&runners[1].cipher, kind, &key, sector_size, NULL) ==
                           RC_OK,
               "no OpenSSL");
}

static void crypt_once(const struct runner *r, bool encrypt, size_t sector_size, size_t len)
{
    struct xts_sectors run = {.in = in, .out = out, .size = sector_size};

    run.count = len / sector_size;
    if (r->simple)
        r->simple(len);
    else if (r->engine)
        xts_crypt(r->engine, &keys, encrypt, 0, sector_size / CIPHER_SECTOR, &run);
    else
        turns_need((encrypt ? cipher_encrypt : cipher_decrypt)(r->cipher, 0, in, out, len,
                                                               NULL) == RC_OK,
                   "OpenSSL failed");
    __asm__ volatile("" : : "r"(out) : "memory"); /* somebody may look at it */
}

static double turn(const struct runner *r, bool encrypt, size_t sector_size, size_t len)
{
    double start = turns_now();

    for (size_t done = 0; done < TURN; done += len)
        crypt_once(r, encrypt, sector_size, len);
    return turns_now() - start;
}

static void measure(bool encrypt, size_t sector_size, size_t len, int rounds)
{
    printf("\n%s, sectors of %zu bytes, runs of %zu KiB\n  %-18s%6s  %-20s  %s\n",
           encrypt ? "encrypt" : "decrypt", sector_size, len >> 10, "", "GB/s",
           "  times OpenSSL EVP", "  times memcpy");
    open_evp((uint32_t)sector_size);
    for (int round = -1; round < rounds; round++) { /* the first one warms up */
        for (size_t i = 0; i < runner_count; i++)
            runners[i].seconds[round < 0 ? 0 : round] =
                turn(&runners[i], encrypt, sector_size, len);
    }
    for (size_t i = 0; i < runner_count; i++) {
        printf("  %-18s%6.2f", runners[i].name,
               TURN / 1e9 / turns_median(runners[i].seconds, rounds));
        turns_show_ratio(runners[i].seconds, runners[1].seconds, rounds);
        turns_show_ratio(runners[i].seconds, runners[0].seconds, rounds);
        putchar('\n');
    }
}

int main(int argc, char **argv)
{
    static const size_t sector_sizes[] = {512, 4096};
    static const size_t lengths[] = {4096, SMALL, LARGE};
    int rounds = argc > 1 ? atoi(argv[1]) : 15;

    turns_need(rounds > 0 && rounds <= ROUNDS_MAX, "1 to 101 rounds");
    turns_need((in = aligned_alloc(4096, LARGE)) && (out = aligned_alloc(4096, LARGE)),
               "no memory");
    memset(in, 0x5a, LARGE);
    memset(out, 0xa5, LARGE);
    find_engines();
    for (int encrypt = 1; encrypt >= 0; encrypt--) {
        for (size_t i = 0; i < 2; i++) {
            for (size_t j = 0; j < 3; j++)
                measure(encrypt, sector_sizes[i], lengths[j], rounds);
        }
    }
    cipher_close(runners[1].cipher);
    secret_clear(&key);
    return 0;
}
