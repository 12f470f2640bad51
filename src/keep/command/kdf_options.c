#include "keep/command/kdf_options.h"

#include <unistd.h>

#include "base/units.h"
#include "keep/command/command.h"

enum {
    SECONDS = 2,
    SECONDS_MAX = 600,
    MEMORY_KIB = 256 << 10, /* with --kdf-iterations alone */
    LANES_MOST = 4,
};

static enum rc read_costs(const struct kdf_options *o, struct kdf_params *kdf,
                          struct fault *why)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t iterations, memory = (uint64_t)MEMORY_KIB << 10;

    if (o->time)
        return fail(why, RC_USAGE, "--kdf-time and --kdf-iterations exclude each other");
    if (units_parse_number(span_text(o->iterations), UINT32_MAX, &iterations) != RC_OK ||
        iterations == 0)
        return fail(why, RC_USAGE, "--kdf-iterations: \"%s\" is no number above 0",
                    o->iterations);
    kdf->passes = (uint32_t)iterations;
    if (!kdf->kdf->takes_memory)
        return RC_OK;
    if (o->memory && units_parse_size(span_text(o->memory), &memory) != RC_OK)
        return fail(why, RC_USAGE, "--kdf-memory: \"%s\" is no size", o->memory);
    if (memory >> 10 > KDF_MEMORY_MAX_KIB)
        return fail(why, RC_USAGE, "--kdf-memory: 4G is the most");
    kdf->memory_kib = (uint32_t)(memory >> 10);
    kdf->lanes = cpus < 1 ? 1 : cpus > LANES_MOST ? LANES_MOST : (uint32_t)cpus;
    return RC_OK;
}

enum rc kdf_options_read(const struct kdf_options *o, struct kdf_params *kdf,
                         unsigned *milliseconds, struct fault *why)
{
    uint64_t seconds = SECONDS;

    *milliseconds = 0;
    kdf->kdf = kdf_find(o->pbkdf ? o->pbkdf : "argon2id");
    if (kdf->kdf != &kdf_argon2id && kdf->kdf != &kdf_pbkdf2)
        return fail(why, RC_USAGE, "--pbkdf: \"%s\" is neither argon2id nor pbkdf2", o->pbkdf);
    kdf->hash = kdf->kdf->takes_memory ? NULL : hash_find("sha256");
    if (o->memory && (!o->iterations || !kdf->kdf->takes_memory))
        return fail(why, RC_USAGE,
                    "--kdf-memory needs argon2id and --kdf-iterations beside it");
    if (o->iterations)
        return read_costs(o, kdf, why);
    if (o->time && (units_parse_number(span_text(o->time), SECONDS_MAX, &seconds) != RC_OK ||
                    seconds == 0))
        return fail(why, RC_USAGE, "--kdf-time: \"%s\" is no number of seconds from 1 to %d",
                    o->time, SECONDS_MAX);
    *milliseconds = (unsigned)seconds * 1000;
    return RC_OK;
}

enum rc kdf_options_settle(struct kdf_params *kdf, unsigned milliseconds, struct fault *why)
{
    if (milliseconds == 0)
        return RC_OK;
    command_progress("Measuring how long the key derivation takes here ...");
    return kdf_calibrate(kdf, milliseconds, why);
}
