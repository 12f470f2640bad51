/* What keep encrypt, decrypt and reencrypt have in common on their command lines. */
#ifndef KEEP_COMMAND_CONVERT_OPTIONS_H
#define KEEP_COMMAND_CONVERT_OPTIONS_H

#include "base/options.h"
#include "vault/header/reencryption.h"

struct convert_options {
    const char *resilience, *zone_size;
    bool resume, init_only;
};

#define CONVERT_ROWS(T)                                                                       \
    {"resilience", 0, "checksum|journal|none",                                                \
     "What makes data whole again that a cut finds half done; checksum by default.",          \
     offsetof(T, convert.resilience)},                                                        \
        {"hotzone-size", 0, "SIZE", "Change so much at a time; 64M at most by default.",      \
         offsetof(T, convert.zone_size)},                                                     \
        {"init-only", 0, NULL, "Begin, and leave all the rest to a later run.",               \
         offsetof(T, convert.init_only)},                                                     \
    {                                                                                         \
        "resume", 0, NULL, "Continue what was begun, and begin nothing.",                     \
            offsetof(T, convert.resume)                                                       \
    }

/* RC_USAGE  a word or a size that is none; options that exclude each other */
enum rc convert_options_read(const struct convert_options *options,
                             enum reencryption_guard *guard, uint64_t *zone_size,
                             struct fault *why);

/* 512, 1024, 2048 or 4096; 0 where there is no word. RC_USAGE for another. */
enum rc convert_options_sector(const char *word, uint32_t *size, struct fault *why);

#endif
