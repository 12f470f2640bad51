/*
 * The first 4096 bytes of each copy: all integers big-endian. LUKS2 On-Disk Format Specification,
 * 2.1.
 */
#ifndef VAULT_HEADER_BINARY_H
#define VAULT_HEADER_BINARY_H

#include "vault/header/luks2.h"

enum {
    BINARY_SIZE = 4096,
    BINARY_SALT_SIZE = 64,
    BINARY_CHECKSUM_SIZE = 64,
    BINARY_CHECKSUM_AT = 448,
};

/* Bytes that begin either copy. */
bool binary_is_first(const uint8_t *at);
bool binary_is_second(const uint8_t *at);

/* The version behind the magic of a first copy, LUKS1 included. */
uint16_t binary_version(const uint8_t *at);

/*
 * Fills the scalar fields of `header` from BINARY_SIZE bytes found at `offset` of the device:
 * a first copy at 0, a second one anywhere else. The checksum is not looked at.
 *
 * RC_FORMAT       magic, size, place or a text that cannot be right
 * RC_UNSUPPORTED  a version or a checksum that is not known
 */
enum rc binary_parse(struct luks2 *header, const uint8_t *at, uint64_t offset,
                     struct fault *why);

/* Compares the checksum of a whole copy, header->copy_size bytes. RC_FORMAT when it differs. */
enum rc binary_check(const struct luks2 *header, const uint8_t *copy, struct fault *why);

/*
 * Writes the binary header of a whole copy, for `offset`, with a new salt and the checksum
 * over the JSON that already stands behind it.
 */
enum rc binary_write(const struct luks2 *header, uint8_t *copy, uint64_t offset,
                     struct fault *why);

#endif
