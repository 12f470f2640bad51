#include "keep/tree/folder/tag_page.h"

#include <assert.h>

#include "base/bytes.h"
#include "crypto/generator.h"

enum {
    NONCE = 4,
    TAG = 16,
    UNSETTLED = 32,
    ZERO = 40,
    ENTRIES = 64,
    BOUND = 16, /* bytes of numbers in the associated data */
    IS_BLOCK = 1,
    IS_TAG_PAGE = 2,
};

static_assert(sizeof(struct tag_entry) == 32 && sizeof(struct tag_block) == 64);
static_assert(ENTRIES + FILE_BLOCKS * sizeof(struct tag_block) == FOLDER_PAGE);

bool tag_entry_is_hole(const struct tag_entry *entry)
{
    static const struct tag_entry hole;

    return memcmp(entry, &hole, sizeof hole) == 0;
}

static void put_bound(uint8_t bound[BOUND], uint64_t number, uint64_t kind)
{
    le64_put(bound, number);
    le64_put(bound + 8, kind);
}

uint32_t tag_page_epoch(const uint8_t page[FOLDER_PAGE])
{
    return le32_get(page);
}

/* What is authenticated of a page: its place, and all behind the tag. */
static struct span bound_page(uint8_t bound[BOUND + FOLDER_PAGE - UNSETTLED], uint64_t group,
                              const uint8_t page[FOLDER_PAGE])
{
    put_bound(bound, group, IS_TAG_PAGE);
    memcpy(bound + BOUND, page + UNSETTLED, FOLDER_PAGE - UNSETTLED);
    return span_of(bound, BOUND + FOLDER_PAGE - UNSETTLED);
}

bool tag_page_read(struct tag_page *tags, struct aead *aead, uint64_t group,
                   const uint8_t page[FOLDER_PAGE])
{
    uint8_t bound[BOUND + FOLDER_PAGE - UNSETTLED], none[1] = {0};

    if (!aead_unseal(aead, page + NONCE, bound_page(bound, group, page), none, none, 0,
                     page + TAG))
        return false;
    tags->unsettled = le64_get(page + UNSETTLED);
    memcpy(tags->blocks, page + ENTRIES, sizeof tags->blocks);
    for (size_t i = 0; i < FILE_BLOCKS; i++) {
        struct tag_block *block = &tags->blocks[i];

        block->current.epoch = le32toh(block->current.epoch);
        block->previous.epoch = le32toh(block->previous.epoch);
    }
    return tags->unsettled >> FILE_BLOCKS == 0;
}

bool tag_page_write(const struct tag_page *tags, struct aead *aead, uint32_t epoch,
                    uint64_t group, uint8_t page[FOLDER_PAGE])
{
    uint8_t bound[BOUND + FOLDER_PAGE - UNSETTLED], none[1] = {0};

    memset(page, 0, ENTRIES);
    le32_put(page, epoch);
    le64_put(page + UNSETTLED, tags->unsettled);
    memcpy(page + ENTRIES, tags->blocks, sizeof tags->blocks);
    for (size_t i = 0; i < FILE_BLOCKS; i++) {
        le32_put(page + ENTRIES + 64 * i, tags->blocks[i].current.epoch);
        le32_put(page + ENTRIES + 64 * i + 32, tags->blocks[i].previous.epoch);
    }
    return generator_bytes(page + NONCE, AEAD_NONCE, NULL) == RC_OK &&
           aead_seal(aead, page + NONCE, bound_page(bound, group, page), none, none, 0,
                     page + TAG);
}

bool tag_seal_block(struct tag_entry *entry, struct aead *aead, uint32_t epoch, uint64_t block,
                    const uint8_t *in, uint8_t *out)
{
    uint8_t bound[BOUND];

    put_bound(bound, block, IS_BLOCK);
    entry->epoch = epoch;
    return generator_bytes(entry->nonce, AEAD_NONCE, NULL) == RC_OK &&
           aead_seal(aead, entry->nonce, span_of(bound, BOUND), in, out, FOLDER_PAGE,
                     entry->tag);
}

bool tag_unseal_block(const struct tag_entry *entry, struct aead *aead, uint64_t block,
                      const uint8_t *in, uint8_t *out)
{
    uint8_t bound[BOUND];

    put_bound(bound, block, IS_BLOCK);
    return aead_unseal(aead, entry->nonce, span_of(bound, BOUND), in, out, FOLDER_PAGE,
                       entry->tag);
}
