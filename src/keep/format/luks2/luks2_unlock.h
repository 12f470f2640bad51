/* From a LUKS2 header to a volume: also for what was made into one in memory (LUKS1). */
#ifndef KEEP_FORMAT_LUKS2_LUKS2_UNLOCK_H
#define KEEP_FORMAT_LUKS2_LUKS2_UNLOCK_H

#include "keep/format/format.h"
#include "vault/header/luks2.h"

/*
 * As format_unlock. `header_size`: where the header is not detached, its data must not begin
 * before so many bytes of the device.
 */
enum rc luks2_unlock(const struct luks2 *header, struct device *device, uint64_t header_size,
                     uint64_t data_size, bool detached, const struct secret *credential,
                     int keyslot, struct format_volume *volume, struct fault *why);

#endif
