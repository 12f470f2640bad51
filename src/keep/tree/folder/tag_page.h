/* The page in front of each group of blocks: their tags, and what stood there before. */
#ifndef KEEP_TREE_FOLDER_TAG_PAGE_H
#define KEEP_TREE_FOLDER_TAG_PAGE_H

#include "keep/tree/folder/file_header.h"

/* All zeros: a hole. */
struct tag_entry {
    uint32_t epoch;
    uint8_t nonce[AEAD_NONCE], tag[AEAD_TAG];
};

struct tag_block {
    struct tag_entry current, previous;
};

struct tag_page {
    uint64_t unsettled; /* bit i: block i may still stand as `previous` says */
    struct tag_block blocks[FILE_BLOCKS];
};

bool tag_entry_is_hole(const struct tag_entry *entry);

/* The epoch under whose key the page was sealed. */
uint32_t tag_page_epoch(const uint8_t page[FOLDER_PAGE]);
/* False: it is not authentic. */
bool tag_page_read(struct tag_page *tags, struct aead *aead, uint64_t group,
                   const uint8_t page[FOLDER_PAGE]);
bool tag_page_write(const struct tag_page *tags, struct aead *aead, uint32_t epoch,
                    uint64_t group, uint8_t page[FOLDER_PAGE]);

/* One block, in place or not; `entry` is filled. */
bool tag_seal_block(struct tag_entry *entry, struct aead *aead, uint32_t epoch, uint64_t block,
                    const uint8_t *in, uint8_t *out);
bool tag_unseal_block(const struct tag_entry *entry, struct aead *aead, uint64_t block,
                      const uint8_t *in, uint8_t *out);

#endif
