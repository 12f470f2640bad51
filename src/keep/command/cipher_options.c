#include "keep/command/cipher_options.h"

#include <string.h>

#include "base/units.h"
#include "crypto/cipher.h"
#include "crypto/seal.h"

enum { KEY_BITS_MAX = 4096 };

/* cryptsetup's words for kinds of integrity, LUKS2's, and the cipher where none is named. */
static const struct {
    const char *word, *type, *cipher;
} kinds[] = {
    {"hmac-sha256", "hmac(sha256)", "aes-xts-plain64"},
    {"hmac-sha1", "hmac(sha1)", "aes-xts-plain64"},
    {"hmac-sha512", "hmac(sha512)", "aes-xts-plain64"},
    {"poly1305", "poly1305", "chacha20-random"},
    {"aead", "aead", "aes-gcm-random"},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static enum rc read_words(const struct cipher_options *options, struct luks2_format *format,
                          struct fault *why)
{
    size_t i = 0;

    format->encryption = options->cipher ? options->cipher : kinds[0].cipher;
    if (!options->integrity)
        return cipher_find(format->encryption)
                   ? RC_OK
                   : fail(why, RC_UNSUPPORTED, "--cipher: \"%s\" is not known here",
                          format->encryption);
    while (i < KINDS && strcmp(kinds[i].word, options->integrity) != 0)
        i++;
    if (i == KINDS)
        return fail(why, RC_USAGE,
                    "--integrity: \"%s\" is none of hmac-sha256, hmac-sha1, hmac-sha512, "
                    "poly1305 and aead",
                    options->integrity);
    format->integrity = kinds[i].type;
    if (!options->cipher)
        format->encryption = kinds[i].cipher;
    return seal_find(format->encryption, format->integrity)
               ? RC_OK
               : fail(why, RC_UNSUPPORTED,
                      "--cipher: \"%s\" with --integrity %s is not known here",
                      format->encryption, options->integrity);
}

/* Bytes that an HMAC's key adds to that of the cipher. */
static size_t mac_key_size(const struct luks2_format *format)
{
    const struct seal_kind *seal =
        format->integrity ? seal_find(format->encryption, format->integrity) : NULL;

    return seal && !seal->encryption ? seal->key_sizes[0] : 0;
}

static size_t largest_key(const struct luks2_format *format)
{
    return format->integrity ? seal_key_size(seal_find(format->encryption, format->integrity),
                                             format->encryption)
                             : cipher_find(format->encryption)->key_sizes[0];
}

enum rc cipher_options_read(const struct cipher_options *options, struct luks2_format *format,
                            size_t *key_size, struct fault *why)
{
    uint64_t bits;
    enum rc rc = read_words(options, format, why);

    if (rc != RC_OK)
        return rc;
    *key_size = largest_key(format);
    if (!options->key_size)
        return RC_OK;
    if (units_parse_number(span_text(options->key_size), KEY_BITS_MAX, &bits) != RC_OK ||
        bits % 8 != 0)
        return fail(why, RC_USAGE, "--key-size: \"%s\" is no number of bits of whole bytes",
                    options->key_size);
    *key_size = (size_t)bits / 8 + mac_key_size(format);
    if (!luks2_takes_key(format->encryption, format->integrity, *key_size))
        return fail(why, RC_USAGE, "--key-size: \"%s\" takes no key of %s bits",
                    format->encryption, options->key_size);
    return RC_OK;
}
