/*
 * The LUKS1 header: 592 bytes, integers in big endian, eight keyslots. It is read into the form
 * of a LUKS2 header, of which it is a special case, so that one path unlocks both.
 *
 * Source: LUKS On-Disk Format Specification, version 1.2.3, section 4.
 */
#ifndef KEEP_FORMAT_LUKS1_LUKS1_HEADER_H
#define KEEP_FORMAT_LUKS1_LUKS1_HEADER_H

#include "vault/header/luks2.h"

enum {
    LUKS1_HEADER_SIZE = 592, /* bytes */
    LUKS1_KEYSLOTS = 8,
    LUKS1_TEXT_SIZE = 32, /* of a name, with its NUL */
    LUKS1_SALT_SIZE = 32,
    LUKS1_DIGEST_SIZE = 20,
};

struct luks1_header {
    /* Without JSON (metadata): luks1_write.h changes it. Its one segment begins at
     * 0 where the data are on another device, and its total size ends with the last key area
     * that is in use. */
    struct luks2 as_luks2;
    char hash[LUKS1_TEXT_SIZE], encryption[2 * LUKS1_TEXT_SIZE]; /* what it points to */
};

/*
 * Every offset and length is checked, of unused keyslots too, since a later use would trust
 * them: no key area may lie in the header, in another key area or in the data.
 *
 * RC_NOT_FOUND    the bytes are no LUKS1 header
 * RC_FORMAT       a header that breaks a rule
 * RC_UNSUPPORTED  a hash that we do not have, or a reencryption that was interrupted
 */
enum rc luks1_header_parse(struct luks1_header *header, const uint8_t bytes[LUKS1_HEADER_SIZE],
                           struct fault *why);

/* The bytes of a header, the other way round. */
void luks1_header_put(const struct luks1_header *header, uint8_t bytes[LUKS1_HEADER_SIZE]);

/*
 * The header on a device, as a LUKS2 one that luks2_close frees.
 *
 * RC_TRUNCATED  the device ends within a key area that is in use
 * others        as above
 */
enum rc luks1_header_read(struct luks2 **out, struct device *device, struct fault *why);

/*
 * As luks1_header_read, with slots that hold no key as in a new header where they break a rule: a partition
 * table that somebody wrote there does no more than that. Nothing is written.
 *
 *   mended  bits of these slots
 *
 * RC_FORMAT  something else is damaged
 */
enum rc luks1_header_mend(struct luks2 **out, struct device *device, unsigned *mended,
                          struct fault *why);

/* Whether a header in the form of a LUKS2 one is one of these. */
bool luks1_header_is(const struct luks2 *header);

/* Bytes from the beginning of the device to the end of the last key area, used or not, in whole pages:
 * what a backup holds, also in the eyes of cryptsetup. */
uint64_t luks1_header_size(const struct luks2 *header);

#endif
