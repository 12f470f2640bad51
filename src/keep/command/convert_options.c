#include "keep/command/convert_options.h"

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
