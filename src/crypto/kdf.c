#include "crypto/kdf.h"

#include <strings.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

enum {
    PASSES_MAX_PBKDF2 = 1 << 30,
    PASSES_MAX_ARGON2 = 4096,
    WORK_MAX_GIB = 4096,                /* Argon2: memory times passes; about half an hour */
    SALT_MIN_ARGON2 = 8,                /* bytes */
    CALIBRATE_MEMORY_MAX_KIB = 1 << 20, /* 1 GiB */
    CALIBRATE_MEMORY_MIN_KIB = 64 << 10,
    CALIBRATE_LANES_MAX = 4,
    CALIBRATE_PASSES_MIN = 4,
    CALIBRATE_ITERATIONS_MIN = 1000,
    CALIBRATE_KEY = 32, /* bytes */
};

static const struct kdf *const kdfs[] = {&kdf_argon2id, &kdf_argon2i, &kdf_pbkdf2};

const struct kdf *kdf_find(const char *name)
{
    for (size_t i = 0; i < sizeof kdfs / sizeof *kdfs; i++) {
        if (strcasecmp(kdfs[i]->name, name) == 0)
            return kdfs[i];
    }
    return NULL;
}

static enum rc check_pbkdf2(const struct kdf_params *params, struct fault *why)
{
    if (!params->hash)
        return fail(why, RC_FORMAT, "pbkdf2: no hash");
    if (params->passes > PASSES_MAX_PBKDF2)
        return fail(why, RC_LIMIT, "pbkdf2: %u iterations; the most that is allowed is %u",
                    params->passes, PASSES_MAX_PBKDF2);
    return RC_OK;
}

static enum rc check_argon2(const struct kdf_params *params, struct fault *why)
{
    const char *name = params->kdf->name;

    if (params->lanes < 1 || params->salt_len < SALT_MIN_ARGON2 ||
        params->memory_kib / 8 < params->lanes)
        return fail(why, RC_FORMAT, "%s: too little memory, no lane, or a short salt", name);
    if (params->lanes > KDF_LANES_MAX)
        return fail(why, RC_LIMIT, "%s: %u lanes; the most that is allowed is %u", name,
                    params->lanes, KDF_LANES_MAX);
    if (params->memory_kib > KDF_MEMORY_MAX_KIB)
        return fail(why, RC_LIMIT, "%s: %u MiB of memory; the most that is allowed is %u",
                    name, params->memory_kib >> 10, KDF_MEMORY_MAX_KIB >> 10);
    if (params->passes > PASSES_MAX_ARGON2 ||
        (uint64_t)params->passes * params->memory_kib > (uint64_t)WORK_MAX_GIB << 20)
        return fail(why, RC_LIMIT, "%s: %u passes over %u MiB would take too long", name,
                    params->passes, params->memory_kib >> 10);
    return RC_OK;
}

enum rc kdf_check(const struct kdf_params *params, struct fault *why)
{
    if (params->passes < 1 || params->salt_len > KDF_SALT_MAX)
        return fail(why, RC_FORMAT, "%s: no pass, or a salt that is too long",
                    params->kdf->name);
    return params->kdf->takes_memory ? check_argon2(params, why) : check_pbkdf2(params, why);
}

enum rc kdf_derive(const struct kdf_params *params, const struct secret *phrase,
                   struct secret *key, struct fault *why)
{
    enum rc rc = kdf_check(params, why);

    if (rc != RC_OK)
        return rc;
    if (key->len < 4 || key->len > KDF_KEY_MAX)
        return fail(why, RC_FORMAT, "%s: cannot make a key of %zu bytes", params->kdf->name,
                    key->len);
    return params->kdf->derive(params, secret_span(phrase),
                               span_of(params->salt, params->salt_len), key, why);
}

static uint64_t cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/*
 * Milliseconds, at least 1, of one derivation at these costs. CPU time, shared by the lanes, and not what the
 * clock says: a machine that is busy now must not get a weak header for good.
 */
static enum rc measure(const struct kdf_params *params, uint64_t *took_ms, struct fault *why)
{
    struct kdf_params trial = *params;
    SCOPED(secret) phrase = {0};
    SCOPED(secret) key = {0};
    uint64_t start;
    enum rc rc;

    trial.salt_len = 32;
    if ((rc = secret_alloc(&phrase, 16, why)) || (rc = secret_alloc(&key, CALIBRATE_KEY, why)))
        return rc;
    start = cpu_us();
    rc = kdf_derive(&trial, &phrase, &key, why);
    *took_ms = (cpu_us() - start) / (params->lanes > 0 ? params->lanes : 1) / 1000 + 1;
    return rc;
}

static uint32_t between(uint64_t value, uint32_t least, uint32_t most)
{
    return value < least ? least : value > most ? most : (uint32_t)value;
}

/* From few iterations up, until the time is long enough to be multiplied. */
static enum rc calibrate_pbkdf2(struct kdf_params *params, unsigned target_ms,
                                struct fault *why)
{
    uint64_t took_ms = 0, iterations = CALIBRATE_ITERATIONS_MIN;
    enum rc rc;

    for (;;) {
        params->passes = (uint32_t)iterations;
        if ((rc = measure(params, &took_ms, why)) != RC_OK)
            return rc;
        if (took_ms > target_ms / 8 || iterations >= PASSES_MAX_PBKDF2 / 4)
            break;
        iterations *= 4;
    }
    params->passes =
        between(iterations * target_ms / took_ms, CALIBRATE_ITERATIONS_MIN, PASSES_MAX_PBKDF2);
    return RC_OK;
}

static uint32_t memory_limit_kib(void)
{
    struct sysinfo info;
    uint64_t free_kib = 0;

    if (sysinfo(&info) == 0)
        free_kib = ((uint64_t)info.freeram + info.bufferram) * info.mem_unit >> 10;
    return between(free_kib / 2, CALIBRATE_MEMORY_MIN_KIB, CALIBRATE_MEMORY_MAX_KIB);
}

/* More memory first, as long as there is some; then more passes. */
static enum rc calibrate_argon2(struct kdf_params *params, unsigned target_ms,
                                struct fault *why)
{
    uint32_t most_kib = params->memory_kib ? params->memory_kib : memory_limit_kib();
    uint32_t least_kib =
        most_kib < CALIBRATE_MEMORY_MIN_KIB ? most_kib : CALIBRATE_MEMORY_MIN_KIB;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t took_ms = 0, memory_kib;
    enum rc rc;

    params->lanes = between(cpus > 0 ? (uint64_t)cpus : 1, 1, CALIBRATE_LANES_MAX);
    params->passes = CALIBRATE_PASSES_MIN;
    params->memory_kib = least_kib;
    if ((rc = measure(params, &took_ms, why)) != RC_OK)
        return rc;
    memory_kib = params->memory_kib * (uint64_t)target_ms / took_ms;
    params->memory_kib = between(memory_kib, least_kib, most_kib);
    if (memory_kib > most_kib)
        params->passes = between(CALIBRATE_PASSES_MIN * memory_kib / most_kib,
                                 CALIBRATE_PASSES_MIN, PASSES_MAX_ARGON2);
    return RC_OK;
}

enum rc kdf_calibrate(struct kdf_params *params, unsigned target_ms, struct fault *why)
{
    if (params->kdf->takes_memory)
        return calibrate_argon2(params, target_ms, why);
    return calibrate_pbkdf2(params, target_ms, why);
}
