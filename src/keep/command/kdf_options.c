#include "keep/command/kdf_options.h"

#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "keep/command/command.h"

enum {
    SECONDS = 2,
    SECONDS_MAX = 600,
    MEMORY_KIB = 256 << 10, /* with --kdf-iterations alone */
    MEMORY_LEAST_KIB = 64,
    LANES_MOST = 4,
};

static enum rc read_memory(const struct kdf_options *o, struct kdf_params *kdf,
                           struct fault *why)
{
    uint64_t memory;

    if (!o->memory)
        return RC_OK;
    if (!kdf->kdf->takes_memory)
        return fail(why, RC_USAGE, "--kdf-memory needs --pbkdf argon2id");
    if (units_parse_size(span_text(o->memory), &memory) != RC_OK)
        return fail(why, RC_USAGE, "--kdf-memory: \"%s\" is no size", o->memory);
    if (memory >> 10 > KDF_MEMORY_MAX_KIB || memory >> 10 < MEMORY_LEAST_KIB)
        return fail(why, RC_USAGE, "--kdf-memory: from 64K to 4G");
    kdf->memory_kib = (uint32_t)(memory >> 10);
    return RC_OK;
}

static enum rc read_costs(const struct kdf_options *o, struct kdf_params *kdf,
                          struct fault *why)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t iterations;

    if (o->time)
        return fail(why, RC_USAGE, "--kdf-time and --kdf-iterations exclude each other");
    if (units_parse_number(span_text(o->iterations), UINT32_MAX, &iterations) != RC_OK ||
        iterations == 0)
        return fail(why, RC_USAGE, "--kdf-iterations: \"%s\" is no number above 0",
                    o->iterations);
    kdf->passes = (uint32_t)iterations;
    if (!kdf->kdf->takes_memory)
        return RC_OK;
    if (kdf->memory_kib == 0)
        kdf->memory_kib = MEMORY_KIB;
    kdf->lanes = cpus < 1 ? 1 : cpus > LANES_MOST ? LANES_MOST : (uint32_t)cpus;
    return RC_OK;
}

/* "2", "2s", "1500ms" */
static enum rc read_time(const struct kdf_options *o, unsigned *milliseconds,
                         struct fault *why)
{
    struct span word = span_text(o->time);
    uint64_t number, unit = 1000;

    if (word.len > 2 && memcmp(word.at + word.len - 2, "ms", 2) == 0) {
        word.len -= 2;
        unit = 1;
    } else if (word.len > 1 && word.at[word.len - 1] == 's') {
        word.len--;
    }
    if (units_parse_number(word, SECONDS_MAX * 1000 / unit, &number) != RC_OK || number == 0)
        return fail(why, RC_USAGE,
                    "--kdf-time: \"%s\" is no time up to %d s, as in 2s or 1500ms", o->time,
                    SECONDS_MAX);
    *milliseconds = (unsigned)(number * unit);
    return RC_OK;
}

enum rc kdf_options_read(const struct kdf_options *o, struct kdf_params *kdf,
                         unsigned *milliseconds, struct fault *why)
{
    enum rc rc;

    *milliseconds = 0;
    *kdf = (struct kdf_params){.kdf = kdf_find(o->pbkdf ? o->pbkdf : "argon2id")};
    if (kdf->kdf != &kdf_argon2id && kdf->kdf != &kdf_pbkdf2)
        return fail(why, RC_USAGE, "--pbkdf: \"%s\" is neither argon2id nor pbkdf2", o->pbkdf);
    kdf->hash = kdf->kdf->takes_memory ? NULL : hash_find("sha256");
    if ((rc = read_memory(o, kdf, why)) != RC_OK)
        return rc;
    if (o->iterations)
        return read_costs(o, kdf, why);
    *milliseconds = SECONDS * 1000;
    return o->time ? read_time(o, milliseconds, why) : RC_OK;
}

enum rc kdf_options_settle(struct kdf_params *kdf, unsigned milliseconds, struct fault *why)
{
    if (milliseconds == 0)
        return RC_OK;
    command_progress("Measuring how long the key derivation takes here ...");
    return kdf_calibrate(kdf, milliseconds, why);
}
