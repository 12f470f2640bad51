/* How a new volume is encrypted: --cipher, --key-size and --integrity. */
#ifndef KEEP_COMMAND_CIPHER_OPTIONS_H
#define KEEP_COMMAND_CIPHER_OPTIONS_H

#include "base/options.h"
#include "vault/header/luks2_format.h"

struct cipher_options {
    const char *cipher, *key_size, *integrity;
};

#define CIPHER_ROWS(T)                                                                        \
    {"cipher", 0, "CIPHER", "How sectors are encrypted; aes-xts-plain64 by default.",         \
     offsetof(T, cipher.cipher)},                                                             \
        {"key-size", 0, "BITS", "Of the cipher's key; the largest by default.",               \
         offsetof(T, cipher.key_size)},                                                       \
    {                                                                                         \
        "integrity", 0, "hmac-sha256|hmac-sha512|hmac-sha1|aead|poly1305",                    \
            "Authenticate sectors, so that a damaged or changed one is an error.",            \
            offsetof(T, cipher.integrity)                                                     \
    }

/*
 * Fills the format's encryption and integrity, whose texts are the options' or constant, and the
 * bytes of the volume key.
 *
 * RC_USAGE        a word that is none, or a key that the cipher does not take
 * RC_UNSUPPORTED  a cipher that we do not have
 */
enum rc cipher_options_read(const struct cipher_options *options, struct luks2_format *format,
                            size_t *key_size, struct fault *why);

#endif
