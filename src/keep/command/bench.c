#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec/json.h"
#include "crypto/cipher.h"
#include "crypto/kdf.h"
#include "crypto/random.h"
#include "keep/command/command.h"
#include "keep/command/kdf_options.h"

enum { RUN = 256 << 10, LEAST_NS = 30 * 1000 * 1000 };

struct bench_options {
    const char *cipher, *time;
    bool json, help;
};

static const struct option_row rows[] = {
    {"cipher", 0, "CIPHER", "This cipher alone, and no KDF.",
     offsetof(struct bench_options, cipher)},
    {"kdf-time", 0, "TIME", "What an unlock may take; 2s by default.",
     offsetof(struct bench_options, time)},
    {"json", 0, NULL, "Print a JSON object.", offsetof(struct bench_options, json)},
    COMMAND_HELP_ROW(struct bench_options),
    {0},
};

struct speed {
    const struct cipher_kind *kind;
    size_t key_size;
    uint32_t sector_size;
    uint64_t encrypt, decrypt; /* bytes in a second of one processor */
};

static const struct {
    const char *kdf, *hash;
} kdfs[] = {{"argon2id", NULL}, {"argon2i", NULL}, {"pbkdf2", "sha256"}, {"pbkdf2", "sha512"}};

enum { KDFS = sizeof kdfs / sizeof *kdfs };

/* Of this thread: what else the machine does is not counted. */
static uint64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static enum rc measure_one(struct cipher *cipher, bool encrypt, uint8_t *run, uint64_t *speed,
                           struct fault *why)
{
    uint64_t start = cpu_ns(), took = 0, bytes = 0;

    while (took < LEAST_NS) {
        enum rc rc = encrypt
                         ? cipher_encrypt(cipher, bytes / CIPHER_SECTOR, run, run, RUN, why)
                         : cipher_decrypt(cipher, bytes / CIPHER_SECTOR, run, run, RUN, why);

        if (rc != RC_OK)
            return rc;
        bytes += RUN;
        took = cpu_ns() - start;
    }
    *speed = (uint64_t)((double)bytes * 1e9 / (double)took);
    return RC_OK;
}

static enum rc measure_cipher(struct speed *speed, uint8_t *run, struct fault *why)
{
    SCOPED(secret) key = {0};
    struct cipher *cipher;
    enum rc rc;

    speed->key_size = speed->kind->key_sizes[0];
    if ((rc = random_key(&key, speed->key_size, why)) ||
        (rc = cipher_open_kind(&cipher, speed->kind, &key, speed->sector_size, why)))
        return rc;
    if ((rc = measure_one(cipher, true, run, &speed->encrypt, why)) == RC_OK)
        rc = measure_one(cipher, false, run, &speed->decrypt, why);
    cipher_close(cipher);
    return rc;
}

static enum rc print_cipher(const struct speed *speed, struct json *into, struct fault *why)
{
    struct json *object;

    if (!into) {
        printf("%-28s %5zu %-10s %6u %11.0f %11.0f\n", speed->kind->encryption,
               speed->key_size * 8, speed->kind->provider, speed->sector_size,
               (double)speed->encrypt / 1e6, (double)speed->decrypt / 1e6);
        fflush(stdout);
        return RC_OK;
    }
    object = json_new_object();
    return json_put(into, NULL, object) &&
                   json_put_string(object, "cipher", speed->kind->encryption) &&
                   json_put_number(object, "key_bits", speed->key_size * 8) &&
                   json_put_string(object, "provider", speed->kind->provider) &&
                   json_put_number(object, "sector_size", speed->sector_size) &&
                   json_put_number(object, "encrypt_bytes_per_second", speed->encrypt) &&
                   json_put_number(object, "decrypt_bytes_per_second", speed->decrypt)
               ? RC_OK
               : fail(why, RC_MEMORY, "no memory");
}

/* Of several kinds that give the same bytes, the one that is used. */
static bool is_wanted(const struct cipher_kind *kind, const char *only)
{
    return cipher_find(kind->encryption) == kind &&
           (!only || strcmp(only, kind->encryption) == 0);
}

static enum rc bench_ciphers(const char *only, struct json *into, struct fault *why)
{
    uint8_t *run = calloc(1, RUN);
    const struct cipher_kind *kind;
    enum rc rc = run ? RC_OK : fail(why, RC_MEMORY, "no memory");

    if (!into)
        printf("%-28s %5s %-10s %6s %11s %11s\n", "CIPHER", "KEY", "BY", "SECTOR",
               "WRITE MB/s", "READ MB/s");
    for (size_t i = 0; rc == RC_OK && (kind = cipher_kind_at(i)); i++) {
        if (!is_wanted(kind, only))
            continue;
        for (uint32_t sector = CIPHER_SECTOR; sector <= CIPHER_SECTOR_MAX && rc == RC_OK;
             sector *= CIPHER_SECTOR_MAX / CIPHER_SECTOR) {
            struct speed speed = {.kind = kind, .sector_size = sector};

            if ((rc = measure_cipher(&speed, run, why)) == RC_OK)
                rc = print_cipher(&speed, into, why);
        }
    }
    free(run);
    return rc;
}

static enum rc print_kdf(const struct kdf_params *kdf, unsigned milliseconds,
                         struct json *into, struct fault *why)
{
    struct json *object;
    bool good;

    if (!into) {
        printf("%-9s %-7s %6u ms: %u passes", kdf->kdf->name, kdf->hash ? kdf->hash->name : "",
               milliseconds, kdf->passes);
        if (kdf->kdf->takes_memory)
            printf(", %u MiB, %u lanes", kdf->memory_kib >> 10, kdf->lanes);
        printf("\n");
        fflush(stdout);
        return RC_OK;
    }
    object = json_new_object();
    good = json_put(into, NULL, object) && json_put_string(object, "kdf", kdf->kdf->name) &&
           (!kdf->hash || json_put_string(object, "hash", kdf->hash->name)) &&
           json_put_number(object, "milliseconds", milliseconds) &&
           json_put_number(object, "passes", kdf->passes);
    if (kdf->kdf->takes_memory)
        good = good && json_put_number(object, "memory_kib", kdf->memory_kib) &&
               json_put_number(object, "lanes", kdf->lanes);
    return good ? RC_OK : fail(why, RC_MEMORY, "no memory");
}

/* The costs that a new key slot would get. */
static enum rc bench_kdfs(unsigned milliseconds, struct json *into, struct fault *why)
{
    enum rc rc = RC_OK;

    if (!into)
        printf("\nCosts of an unlock:\n");
    for (size_t i = 0; i < KDFS && rc == RC_OK; i++) {
        struct kdf_params kdf = {.kdf = kdf_find(kdfs[i].kdf),
                                 .hash = kdfs[i].hash ? hash_find(kdfs[i].hash) : NULL};

        if ((rc = kdf_calibrate(&kdf, milliseconds, why)) == RC_OK)
            rc = print_kdf(&kdf, milliseconds, into, why);
    }
    return rc;
}

static enum rc bench(const struct bench_options *options, unsigned milliseconds,
                     struct json *top, struct fault *why)
{
    struct json *ciphers = NULL, *kdf_array = NULL;
    enum rc rc;

    if (top && (!json_put(top, "ciphers", ciphers = json_new_array()) ||
                !json_put(top, "kdfs", kdf_array = json_new_array())))
        return fail(why, RC_MEMORY, "no memory");
    rc = bench_ciphers(options->cipher, ciphers, why);
    if (rc == RC_OK && !options->cipher)
        rc = bench_kdfs(milliseconds, kdf_array, why);
    return rc;
}

static enum status bench_run(char **words, int count, struct fault *why)
{
    struct bench_options options = {0};
    struct kdf_params unused;
    struct text text = {0};
    struct json *top = NULL;
    unsigned milliseconds;
    enum status status;
    enum rc rc;

    if (!command_parse(&command_bench, &options, &options.help, words, &count, 0, 0, &status,
                       why))
        return status;
    if ((rc = kdf_options_read(&(struct kdf_options){.time = options.time}, &unused,
                               &milliseconds, why)) != RC_OK)
        return command_status_of(rc);
    if (options.cipher && !cipher_find(options.cipher))
        return command_status_of(
            fail(why, RC_UNSUPPORTED, "--cipher: \"%s\" is not known here", options.cipher));
    if (options.json && !(top = json_new_object()))
        return command_status_of(fail(why, RC_MEMORY, "no memory"));
    rc = bench(&options, milliseconds, top, why);
    if (rc == RC_OK && top) {
        json_write(top, &text);
        if (text_ok(&text))
            printf("%s\n", text.at);
        else
            rc = fail(why, RC_MEMORY, "no memory");
    }
    text_clear(&text);
    json_close(top);
    return command_status_of(rc);
}

const struct command command_bench = {
    .name = "bench",
    .operands = "",
    .doc = "Says what this machine can do: ciphers, and the costs of an unlock.",
    .rows = rows,
    .run = bench_run,
};
