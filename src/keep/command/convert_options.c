#include "keep/command/convert_options.h"

#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "crypto/cipher.h"

enum { GRAIN = 4096 };

static enum rc read_guard(const char *word, enum reencryption_guard *guard, struct fault *why)
{
    static const char *const words[] = {"none", "checksum", "journal"};

    *guard = REENCRYPTION_CHECKSUM;
    if (!word)
        return RC_OK;
    for (int i = REENCRYPTION_NONE; i <= REENCRYPTION_JOURNAL; i++)
        if (strcmp(word, words[i]) == 0) {
            *guard = (enum reencryption_guard)i;
            return RC_OK;
        }
    return fail(why, RC_USAGE, "--resilience: \"%s\" is neither checksum, journal nor none",
                word);
}

enum rc convert_options_read(const struct convert_options *o, enum reencryption_guard *guard,
                             uint64_t *zone_size, struct fault *why)
{
    enum rc rc = read_guard(o->resilience, guard, why);

    if (rc != RC_OK)
        return rc;
    *zone_size = 0;
    if (o->zone_size &&
        (units_parse_size(span_text(o->zone_size), zone_size) != RC_OK || *zone_size < GRAIN ||
         *zone_size > REENCRYPTION_ZONE_MAX || *zone_size % GRAIN != 0))
        return fail(why, RC_USAGE,
                    "--hotzone-size: \"%s\" is no size from 4K to 1G, in steps of 4K",
                    o->zone_size);
    if (o->resume && o->init_only)
        return fail(why, RC_USAGE, "--resume and --init-only exclude each other");
    return RC_OK;
}

enum rc convert_options_sector(const char *word, uint32_t *size, struct fault *why)
{
    uint64_t number;

    *size = 0;
    if (!word)
        return RC_OK;
    if (units_parse_number(span_text(word), CIPHER_SECTOR_MAX, &number) != RC_OK ||
        number < CIPHER_SECTOR || (number & (number - 1)) != 0)
        return fail(why, RC_USAGE, "--sector-size: \"%s\" is neither 512, 1024, 2048 nor 4096",
                    word);
    *size = (uint32_t)number;
    return RC_OK;
}

enum rc convert_options_cipher(const char *cipher, const char *key_bits, size_t *key_size,
                               struct fault *why)
{
    const struct cipher_kind *kind = cipher_find(cipher);
    uint64_t bits = 0;

    if (!kind || strlen(cipher) >= REENCRYPTION_WORD)
        return fail(why, RC_USAGE, "--cipher: \"%s\" is not known here", cipher);
    if (key_bits &&
        units_parse_number(span_text(key_bits), LUKS2_VOLUME_KEY_MAX * 8, &bits) != RC_OK)
        return fail(why, RC_USAGE, "--key-size: \"%s\" is no number of bits", key_bits);
    *key_size = (size_t)bits / 8;
    for (size_t i = 0; !key_bits && i < sizeof kind->key_sizes / sizeof *kind->key_sizes; i++)
        if (kind->key_sizes[i] > *key_size)
            *key_size = kind->key_sizes[i];
    if (bits % 8 != 0 || !cipher_takes_key(kind, *key_size))
        return fail(why, RC_USAGE, "--key-size: \"%s\" takes no key of %" PRIu64 " bits",
                    cipher, bits);
    return RC_OK;
}
