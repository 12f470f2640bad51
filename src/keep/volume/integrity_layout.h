/*
 * Where dm-integrity keeps things: a superblock, a journal, and areas in turn, each a run of tags
 * and then the blocks that they belong to. Tags come from above (dm-crypt makes them), so this
 * knows nothing of keys.
 *
 * Source: the kernel's dm-integrity, versions 1 to 5 of its superblock.
 */
#ifndef KEEP_VOLUME_INTEGRITY_LAYOUT_H
#define KEEP_VOLUME_INTEGRITY_LAYOUT_H

#include "io/device.h"

enum {
    INTEGRITY_SUPERBLOCK = 4096, /* bytes that are its own; what is written is far less */
    INTEGRITY_SECTOR = 512,
    INTEGRITY_TAG_MAX = 255,
    INTEGRITY_ENTRY_SECTORS = 8, /* of a section: its table of entries */
};

struct integrity_layout {
    uint64_t blocks;   /* that it offers */
    uint32_t tag_size; /* bytes beside each block */
    uint32_t block_size;
    uint8_t log2_interleave; /* blocks of an area */
    uint64_t tag_run;        /* bytes of tags before the blocks of each area */
    uint64_t areas_at;       /* bytes from the superblock's start */
    struct {
        uint32_t sections;
        uint32_t entries;      /* of a section: one for a block */
        uint32_t entry_size;   /* bytes */
        uint32_t per_sector;   /* entries */
        uint64_t section_size; /* bytes: the table, then the blocks */
    } journal;
};

/*
 * What a superblock says, for a device that has `len` bytes from it on.
 *
 * RC_FORMAT       no superblock, or one that contradicts itself
 * RC_UNSUPPORTED  a version, or a way of using it, that we do not have
 * RC_TRUNCATED    the device ends before the last block
 */
enum rc integrity_layout_parse(struct integrity_layout *layout,
                               const uint8_t superblock[INTEGRITY_SECTOR], uint64_t len,
                               struct fault *why);

/*
 * A new superblock, with the journal and the areas that the kernel would choose for a device of
 * `whole` bytes, of which the last `len` are for it.
 *
 * RC_TRUNCATED  there is no room
 */
enum rc integrity_layout_make(struct integrity_layout *layout,
                              uint8_t superblock[INTEGRITY_SECTOR], uint64_t whole,
                              uint64_t len, uint32_t tag_size, uint32_t block_size,
                              struct fault *why);

/* Bytes from the superblock's start to a block, to its tag, to a section of the journal. */
uint64_t integrity_block_at(const struct integrity_layout *layout, uint64_t block);
uint64_t integrity_tag_at(const struct integrity_layout *layout, uint64_t block);
uint64_t integrity_section_at(const struct integrity_layout *layout, uint32_t section);

/* How many blocks from this one on follow each other on the device, tags as well. */
uint64_t integrity_run(const struct integrity_layout *layout, uint64_t block, uint64_t count);

#endif
