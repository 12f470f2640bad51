#include <inttypes.h>

#include "crypto/cipher.h"
#include "vault/header/keyslot.h"
#include "vault/header/stripes.h"

/*
 * 512 random bytes have 221 different values, give or take 5: so few are there only where
 * something else was written.
 */
enum { DIFFERENT_LEAST = 160 };

static unsigned count_different(const uint8_t *sector)
{
    bool seen[256] = {0};
    unsigned count = 0;

    for (size_t i = 0; i < CIPHER_SECTOR; i++) {
        count += !seen[sector[i]];
        seen[sector[i]] = true;
    }
    return count;
}

enum rc keyslot_check(const struct luks2 *header, struct device *device, unsigned number,
                      struct fault *why)
{
    const struct luks2_keyslot *slot;

    if (number >= LUKS2_KEYSLOTS_MAX || !header->keyslots[number].present)
        return fail(why, RC_NOT_FOUND, "there is no keyslot %u", number);
    slot = &header->keyslots[number];
    for (uint64_t at = 0; at < stripes_size(slot->key_size); at += CIPHER_SECTOR) {
        uint8_t sector[CIPHER_SECTOR];
        enum rc rc = device_read(device, slot->area_offset + at, sector, sizeof sector, why);

        if (rc != RC_OK)
            return rc;
        if (count_different(sector) < DIFFERENT_LEAST)
            return fail(why, RC_FORMAT,
                        "keyslot %u: its area was overwritten at offset %" PRIu64, number,
                        slot->area_offset + at);
    }
    return RC_OK;
}
