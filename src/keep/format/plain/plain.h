/*
 * dm-crypt without a header, as `cryptsetup --type plain`: the user says how the sectors are
 * encrypted, and nothing on the device tells a wrong key from the right one.
 */
#ifndef KEEP_FORMAT_PLAIN_PLAIN_H
#define KEEP_FORMAT_PLAIN_PLAIN_H

#include "crypto/hash.h"
#include "keep/format/format.h"

struct plain {
    const char *encryption;  /* "aes-xts-plain64" */
    const struct hash *hash; /* of the passphrase; NULL takes its bytes as they are */
    uint32_t hashed;         /* bytes of the hash that are used, zeros behind; 0 for all */
    uint32_t key_size;       /* bytes */
    uint64_t offset;         /* of the first sector on the device, in units of 512 bytes */
    uint64_t skip;           /* what is added to the number of a sector */
    uint32_t sector_size;    /* bytes */
    bool large_iv;           /* sectors are numbered in their own size */
};

/*
 * "sha256", "sha256:16" (so many bytes of it), "plain" (no hash).
 *
 * RC_UNSUPPORTED  a hash that we do not have
 * RC_USAGE        another text, or more bytes than the key takes; key_size is set before
 */
enum rc plain_parse_hash(struct plain *plain, const char *text, struct fault *why);

/*
 *   data_size  bytes of the device
 *   raw        the credential is the key itself, as a key file has it; of a longer one the
 *              first bytes are taken
 *   volume     {0}; filled on success alone, its text is that of `plain`
 *
 * RC_UNSUPPORTED  an unknown cipher, or a key of a size that it does not take
 * RC_TRUNCATED    the device ends before the first sector does
 * RC_DENIED       a raw key that is too short
 */
enum rc plain_unlock(const struct plain *plain, uint64_t data_size,
                     const struct secret *credential, bool raw, struct format_volume *volume,
                     struct fault *why);

#endif
