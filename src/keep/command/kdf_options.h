/* How a new passphrase is stretched: these options are the same wherever one is set. */
#ifndef KEEP_COMMAND_KDF_OPTIONS_H
#define KEEP_COMMAND_KDF_OPTIONS_H

#include "base/options.h"
#include "crypto/kdf.h"

struct kdf_options {
    const char *pbkdf, *memory, *time, *iterations;
};

#define KDF_ROWS(T)                                                                           \
    {"pbkdf", 0, "argon2id|pbkdf2", "How the passphrase is stretched; argon2id by default.",  \
     offsetof(T, kdf.pbkdf)},                                                                 \
        {"kdf-time", 0, "TIME", "How long that takes on this machine; 2s by default.",        \
         offsetof(T, kdf.time)},                                                              \
        {"kdf-iterations", 0, "NUMBER", "Iterations, in the place of a time.",                \
         offsetof(T, kdf.iterations)},                                                        \
    {                                                                                         \
        "kdf-memory", 0, "SIZE",                                                              \
            "Memory of argon2id: the most, or with --kdf-iterations all of it (256M).",       \
            offsetof(T, kdf.memory)                                                           \
    }

/*
 * Costs as they were given, or *milliseconds that are to be measured; 0 for none.
 * RC_USAGE  no costs, or some that exclude each other
 */
enum rc kdf_options_read(const struct kdf_options *options, struct kdf_params *kdf,
                         unsigned *milliseconds, struct fault *why);

/* Measures, where that is to be done. */
enum rc kdf_options_settle(struct kdf_params *kdf, unsigned milliseconds, struct fault *why);

#endif
