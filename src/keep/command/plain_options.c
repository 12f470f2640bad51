#include "keep/command/plain_options.h"

#include <string.h>

#include "base/units.h"
#include "crypto/cipher.h"

enum { KEY_BITS = 256, KEY_BITS_MAX = 4096 };

static const char default_cipher[] = "aes-xts-plain64", default_hash[] = "sha256";

static enum rc read_number(const char *option, const char *word, uint64_t max, uint64_t *out,
                           struct fault *why)
{
    if (!word || units_parse_number(span_text(word), max, out) == RC_OK)
        return RC_OK;
    return fail(why, RC_USAGE, "--%s: \"%s\" is no number, or too large", option, word);
}

static enum rc read_key_size(const char *word, struct plain *plain, struct fault *why)
{
    uint64_t bits = KEY_BITS;
    enum rc rc = read_number("key-size", word, KEY_BITS_MAX, &bits, why);

    if (rc != RC_OK)
        return rc;
    if (bits == 0 || bits % 8 != 0)
        return fail(why, RC_USAGE, "--key-size: %s bits are no whole bytes", word);
    plain->key_size = (uint32_t)bits / 8;
    return RC_OK;
}

static enum rc read_sector_size(const struct plain_options *options, struct plain *plain,
                                struct fault *why)
{
    uint64_t size = CIPHER_SECTOR;
    enum rc rc =
        read_number("sector-size", options->sector_size, CIPHER_SECTOR_MAX, &size, why);

    if (rc != RC_OK)
        return rc;
    if (size < CIPHER_SECTOR || (size & (size - 1)) != 0)
        return fail(why, RC_USAGE, "--sector-size: \"%s\" is none of 512, 1024, 2048 and 4096",
                    options->sector_size);
    plain->sector_size = (uint32_t)size;
    plain->large_iv = options->large_iv;
    if (plain->large_iv && plain->skip % (size / CIPHER_SECTOR) != 0)
        return fail(why, RC_USAGE, "--skip: \"%s\" is no multiple of the sector size",
                    options->skip);
    return RC_OK;
}

enum rc plain_options_read(const struct plain_options *options, bool *is_plain,
                           struct plain *plain, struct fault *why)
{
    enum rc rc;

    *is_plain = options->type != NULL;
    *plain = (struct plain){0};
    if (options->type && strcmp(options->type, "plain") != 0)
        return fail(why, RC_USAGE,
                    "--type: \"%s\": only plain has to be said, all others are recognised",
                    options->type);
    if (!options->type) {
        if (options->cipher || options->hash || options->key_size || options->offset ||
            options->skip || options->sector_size || options->large_iv)
            return fail(why, RC_USAGE,
                        "--cipher, --hash, --key-size, --sector-size, --iv-large-sectors, "
                        "--offset and --skip need --type plain");
        return RC_OK;
    }
    plain->encryption = options->cipher ? options->cipher : default_cipher;
    if ((rc = read_key_size(options->key_size, plain, why)) ||
        (rc = read_number("offset", options->offset, UINT64_MAX, &plain->offset, why)) ||
        (rc = read_number("skip", options->skip, UINT64_MAX, &plain->skip, why)) ||
        (rc = read_sector_size(options, plain, why)))
        return rc;
    return plain_parse_hash(plain, options->hash ? options->hash : default_hash, why);
}
