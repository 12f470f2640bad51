/* How a volume without a header is encrypted: --type plain, and what goes with it. */
#ifndef KEEP_COMMAND_PLAIN_OPTIONS_H
#define KEEP_COMMAND_PLAIN_OPTIONS_H

#include "base/options.h"
#include "keep/format/plain/plain.h"

struct plain_options {
    const char *type, *cipher, *hash, *key_size, *offset, *skip, *sector_size;
    bool large_iv;
};

#define PLAIN_ROWS(T)                                                                         \
    {"type", 0, "plain",                                                                      \
     "The target has no header; the next options say how it is encrypted.",                   \
     offsetof(T, plain.type)},                                                                \
        {"cipher", 0, "CIPHER", "Of type plain; aes-xts-plain64 by default.",                 \
         offsetof(T, plain.cipher)},                                                          \
        {"hash", 0, "HASH[:BYTES]", "Of the passphrase; sha256 by default, plain for none.",  \
         offsetof(T, plain.hash)},                                                            \
        {"key-size", 0, "BITS", "Of type plain; 256 by default.",                             \
         offsetof(T, plain.key_size)},                                                        \
        {"sector-size", 0, "BYTES", "Of type plain; 512 by default.",                         \
         offsetof(T, plain.sector_size)},                                                     \
        {"iv-large-sectors", 0, NULL, "Its sectors are numbered in their own size.",          \
         offsetof(T, plain.large_iv)},                                                        \
        {"offset", 0, "SECTORS", "Where its data begin, in units of 512 bytes.",              \
         offsetof(T, plain.offset)},                                                          \
    {                                                                                         \
        "skip", 0, "SECTORS", "The number of its first sector.", offsetof(T, plain.skip)      \
    }

/*
 * *is_plain says whether the options ask for it at all; then `plain` is filled, and its text is
 * that of the options.
 *
 * RC_USAGE        numbers that are none, another type, or options that need --type plain
 * RC_UNSUPPORTED  a hash that we do not have
 */
enum rc plain_options_read(const struct plain_options *options, bool *is_plain,
                           struct plain *plain, struct fault *why);

#endif
