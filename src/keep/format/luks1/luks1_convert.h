/*
 * LUKS1 to LUKS2 and back, without a passphrase: key areas stay as they are, and the data too. Each
 * step leaves a whole header of one kind or the other; the switch is one write of one sector.
 */
#ifndef KEEP_FORMAT_LUKS1_LUKS1_CONVERT_H
#define KEEP_FORMAT_LUKS1_LUKS1_CONVERT_H

#include "vault/header/luks2.h"

/*
 * `header` is the LUKS1 one that luks1_header_read gave. Key slots that stand where the copies of the
 * new header will be move to the places of free slots first.
 *
 * RC_UNSUPPORTED  it cannot be done, and nothing was changed: the fault says why
 */
enum rc luks1_convert_to_luks2(struct luks2 *header, struct device *device, struct fault *why);

/*
 * A kill behind the switch may leave copies of key areas beside those of the new header's slots: all
 * where no slot stands is overwritten, whoever made the header. May: it is as a conversion makes it, and
 * where each slot stands is known.
 */
bool luks1_convert_may_tidy(const struct luks2 *header);
enum rc luks1_convert_tidy(const struct luks2 *header, struct device *device,
                           struct fault *why);

/* The other way round; names of keys, the label and the subsystem have no place in LUKS1. */
enum rc luks1_convert_from_luks2(struct luks2 *header, struct device *device,
                                 struct fault *why);

#endif
