/* Where the passphrase or key comes from: these options are the same in every subcommand. */
#ifndef KEEP_COMMAND_CREDENTIAL_OPTIONS_H
#define KEEP_COMMAND_CREDENTIAL_OPTIONS_H

#include "base/options.h"
#include "vault/credential/credential.h"

struct credential_options {
    const char *passphrase_file, *key_file, *key_file_offset, *key_file_size;
};

#define CREDENTIAL_ROWS(T)                                                                    \
    {"passphrase-file", 0, "FILE|-",                                                          \
     "Read the passphrase from here; a newline at its end is dropped.",                       \
     offsetof(T, credential.passphrase_file)},                                                \
        {"key-file", 0, "FILE|-", "Read a key from here; every byte counts.",                 \
         offsetof(T, credential.key_file)},                                                   \
        {"key-file-offset", 0, "BYTES", "Skip these bytes of the key file.",                  \
         offsetof(T, credential.key_file_offset)},                                            \
    {                                                                                         \
        "key-file-size", 0, "BYTES", "Take these bytes of the key file, and no more.",        \
            offsetof(T, credential.key_file_size)                                             \
    }

/* What sets a new passphrase or key, where another one opens. */
struct new_credential_options {
    const char *passphrase_file, *key_file;
    bool generate;
};

#define NEW_CREDENTIAL_ROWS(T)                                                                \
    {"new-passphrase-file", 0, "FILE|-", "Read the new passphrase from here.",                \
     offsetof(T, fresh.passphrase_file)},                                                     \
        {"new-key-file", 0, "FILE|-", "Read the new key from here.",                          \
         offsetof(T, fresh.key_file)},                                                        \
    {                                                                                         \
        "generate-passphrase", 0, NULL, "Make a strong new passphrase, and show it once.",    \
            offsetof(T, fresh.generate)                                                       \
    }

/* RC_USAGE  numbers that are none, or options that exclude each other */
enum rc credential_options_read(const struct credential_options *options,
                                struct credential *credential, struct fault *why);

/* RC_USAGE  options that exclude each other, also with those that open (`opening`) */
enum rc new_credential_options_read(const struct new_credential_options *options,
                                    const struct credential *opening,
                                    struct credential *credential, struct fault *why);

/*
 * A new passphrase or key for `path`: generated, or as credential_get gives it, asked for twice
 * on a terminal. RC_USAGE for an empty one.
 */
enum rc credential_options_get_new(const struct credential *from, bool generate,
                                   const char *path, struct secret *secret, struct fault *why);

/* --key-slot: 0 to 31, or UNLOCK_ANY where there is no word. RC_USAGE for another. */
enum rc credential_options_key_slot(const char *word, int *key_slot, struct fault *why);

#endif
