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

/* RC_USAGE  numbers that are none, or options that exclude each other */
enum rc credential_options_read(const struct credential_options *options,
                                struct credential *credential, struct fault *why);

#endif
