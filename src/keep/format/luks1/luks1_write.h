/*
 * Making and changing LUKS1 headers, in the form of LUKS2 ones that luks1_header_read gives. There is
 * one copy of the header, in two sectors: new key areas are written beside the old ones and proved, and
 * the switch is the write of one sector.
 *
 * Source: LUKS On-Disk Format Specification, version 1.2.3, sections 3 and 4.
 */
#ifndef KEEP_FORMAT_LUKS1_LUKS1_WRITE_H
#define KEEP_FORMAT_LUKS1_LUKS1_WRITE_H

#include "base/secret.h"
#include "vault/header/luks2.h"

/* Bytes that luks1_header_write writes: the two sectors of a header. */
enum { LUKS1_WRITTEN = 1024 };

struct luks1_format {
    const char *encryption; /* "aes-xts-plain64" */
    const char *uuid;       /* NULL: a random one */
    bool detached;          /* the data begin at 0 of another device */
};

/* Bytes of a header for a key of `key_size` bytes, which the data follow: whole MiB. */
uint64_t luks1_header_room(size_t key_size);

/*
 * A new header in memory, without keyslots; nothing is written.
 * RC_UNSUPPORTED  a cipher that we do not have, or that LUKS1 cannot name
 */
enum rc luks1_format(struct luks2 **out, const struct luks1_format *format,
                     const struct secret *volume_key, struct fault *why);

/* Overwrites the place of the header with zeros, and those of all keys with random bytes. */
enum rc luks1_format_wipe(const struct luks2 *header, struct device *device,
                          struct fault *why);

/*
 * As keyslot_add, keyslot_replace and keyslot_remove (vault/header/keyslot.h): luks1_header_write
 * makes it last. `params` are costs of PBKDF2; the hash is the header's.
 *
 *   number  of a replacement: set to that of the slot that has the key now, which is another one where
 *           the header's first sector has no free slot that could lend its place
 *
 * RC_LIMIT  all eight slots are in use; a replacement needs a free one for a moment
 */
enum rc luks1_keyslot_add(struct luks2 *header, struct device *device, int number,
                          const struct secret *volume_key, const struct secret *phrase,
                          const struct kdf_params *params, unsigned *used, struct fault *why);
enum rc luks1_keyslot_replace(struct luks2 *header, struct device *device, unsigned *number,
                              const struct secret *volume_key, const struct secret *phrase,
                              const struct kdf_params *params, struct fault *why);
enum rc luks1_keyslot_remove(struct luks2 *header, unsigned number, struct fault *why);

/*
 * Flushed and read back. Of its two sectors one may arrive without the other: where both change, slots that
 * open from now on are written first, and those that no longer do afterwards.
 */
enum rc luks1_header_write(const struct luks2 *header, struct device *device,
                           struct fault *why);

#endif
