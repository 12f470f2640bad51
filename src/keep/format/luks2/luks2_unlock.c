#include "keep/format/luks2/luks2_unlock.h"

#include <assert.h>

#include "vault/unlock.h"

static_assert((int)FORMAT_KEYSLOT_ANY == (int)UNLOCK_ANY);

enum rc luks2_data_check(const struct luks2 *header, bool detached, struct fault *why)
{
    if (detached || header->segments[0].offset >= luks2_total_size(header))
        return RC_OK;
    return fail(
        why, RC_USAGE,
        "this is a header alone, and its data are elsewhere; name those, and this with "
        "--header");
}

struct volume_place luks2_place(const struct luks2_extent *extent)
{
    return (struct volume_place){
        .offset = extent->offset,
        .len = extent->len,
        .sector_size = extent->sector_size,
        .iv_tweak = extent->iv_tweak,
        .encryption = extent->encryption,
        .integrity = extent->integrity,
    };
}

enum rc luks2_unlock(const struct luks2 *header, struct device *device, uint64_t data_size,
                     bool detached, const struct secret *credential, int keyslot,
                     struct format_volume *volume, struct fault *why)
{
    SCOPED(unlock) unlocked = {0};
    enum rc rc = luks2_data_check(header, detached, why);

    if (rc != RC_OK)
        return rc;
    rc = unlock(header, device, data_size, credential, keyslot, &unlocked, why);
    if (rc != RC_OK)
        return rc;
    *volume = (struct format_volume){
        .place = luks2_place(&unlocked.extent),
        .key = unlocked.volume_key,
        .keyslot = unlocked.keyslot,
    };
    unlocked.volume_key = (struct secret){0}; /* it has moved */
    return RC_OK;
}
