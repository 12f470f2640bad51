/* From a LUKS2 header to a volume: also for what was made into one in memory (LUKS1). */
#ifndef KEEP_FORMAT_LUKS2_LUKS2_UNLOCK_H
#define KEEP_FORMAT_LUKS2_LUKS2_UNLOCK_H

#include "keep/format/format.h"
#include "vault/header/luks2.h"

/*
 * RC_USAGE  by its header, which is not said to be detached, the data would begin within that
 *           header: they are elsewhere
 */
enum rc luks2_data_check(const struct luks2 *header, bool detached, struct fault *why);

/* The extent as volume/ takes it. */
struct volume_place luks2_place(const struct luks2_extent *extent);

/* As format_unlock. */
enum rc luks2_unlock(const struct luks2 *header, struct device *device, uint64_t data_size,
                     bool detached, const struct secret *credential, int keyslot,
                     struct format_volume *volume, struct fault *why);

#endif
