/*
 * Blocks with a tag beside each, over dm-integrity's format on disk. What is written goes through
 * the journal: after a cut, at whatever write, each block and its tag are those of before or those
 * of after, together, and what was flushed is there.
 */
#ifndef KEEP_VOLUME_INTEGRITY_H
#define KEEP_VOLUME_INTEGRITY_H

#include "keep/volume/integrity_layout.h"

struct integrity;

enum integrity_use {
    INTEGRITY_READ,  /* nothing is written: what the journal has is read from there */
    INTEGRITY_WRITE, /* the journal is brought to its places first */
    INTEGRITY_FILL,  /* a new one is given its first blocks, straight to their places */
};

/*
 * `device` has the superblock at `at`, and ends `len` bytes behind it; it stays the caller's.
 *
 * RC_FORMAT       no superblock, a damaged one, or a damaged journal; or tags or blocks of other
 *                 sizes than these
 * RC_UNSUPPORTED, RC_TRUNCATED  as integrity_layout_parse
 * RC_LIMIT        a journal that takes more memory than we give
 */
enum rc integrity_open(struct integrity **out, struct device *device, uint64_t at,
                       uint64_t len, uint32_t tag_size, uint32_t block_size,
                       enum integrity_use use, struct fault *why);

/* Makes a new one, which is then to be filled; its journal is as large as the kernel would make it
 * for the device. */
enum rc integrity_create(struct device *device, uint64_t at, uint64_t len, uint32_t tag_size,
                         uint32_t block_size, struct fault *why);

/* Blocks that it offers. */
uint64_t integrity_blocks(const struct integrity *integrity);

/* `count` blocks, and as many tags in a row; may be called by several threads. */
enum rc integrity_read(struct integrity *integrity, uint64_t block, uint64_t count,
                       uint8_t *data, uint8_t *tags, struct fault *why);
enum rc integrity_write(struct integrity *integrity, uint64_t block, uint64_t count,
                        const uint8_t *data, const uint8_t *tags, struct fault *why);

/* After RC_OK all that was written is there, also after a cut. */
enum rc integrity_flush(struct integrity *integrity, struct fault *why);

/* Brings everything to its place, and empties the journal; harmless on NULL. */
void integrity_close(struct integrity *integrity);

#endif
