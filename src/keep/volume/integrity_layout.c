#include "keep/volume/integrity_layout.h"

#include <string.h>

#include "base/bytes.h"

/* Offsets in the superblock. */
enum {
    VERSION = 8,
    LOG2_INTERLEAVE = 9,
    TAG_SIZE = 10,
    JOURNAL_SECTIONS = 12,
    PROVIDED_SECTORS = 16,
    FLAGS = 24,
    LOG2_BLOCK = 28,
};

enum {
    HAS_JOURNAL_MAC = 0x01,
    RECALCULATING = 0x02,
    DIRTY_BITMAP = 0x04,
    FIXED_PADDING = 0x08,
    FIXED_HMAC = 0x10,
    INLINE = 0x20,
    ALL_FLAGS = 0x3f,
};

enum {
    VERSION_PADDING = 4, /* the one that has FIXED_PADDING */
    VERSION_MOST = 6,
    LOG2_INTERLEAVE_LEAST = 3,
    LOG2_INTERLEAVE_MOST = 31,
    LOG2_INTERLEAVE_NEW = 15,
    LOG2_BLOCK_MOST = 3,
    PADDING = 4096,
    PADDING_OLD = 512 << 8,
    JOURNAL_SHARE = 7, /* a new one has this power of two of the device's sectors */
    JOURNAL_SECTORS_MOST = 131072,
    COMMIT_ID = 8, /* bytes at the end of each sector of the journal */
};

static const char magic[8] = "integrt";

static uint64_t round_up(uint64_t value, uint64_t to)
{
    return (value + to - 1) / to * to;
}

/* All that follows from the sizes, the interleave and the number of sections. */
static void derive(struct integrity_layout *l, bool fixed_padding)
{
    uint32_t sectors = l->block_size / INTEGRITY_SECTOR;

    l->journal.entry_size = (uint32_t)round_up(8 + 8 * sectors + l->tag_size, 8);
    l->journal.per_sector = (INTEGRITY_SECTOR - COMMIT_ID) / l->journal.entry_size;
    l->journal.entries = l->journal.per_sector * INTEGRITY_ENTRY_SECTORS;
    l->journal.section_size = (uint64_t)INTEGRITY_ENTRY_SECTORS * INTEGRITY_SECTOR +
                              (uint64_t)l->journal.entries * l->block_size;
    l->areas_at = integrity_section_at(l, l->journal.sections);
    l->tag_run = round_up((uint64_t)l->tag_size << l->log2_interleave,
                          fixed_padding ? PADDING : PADDING_OLD);
}

/* Does the last block lie within `len` bytes? */
static bool fits(const struct integrity_layout *l, uint64_t len)
{
    uint64_t area = (l->blocks - 1) >> l->log2_interleave;

    /* nothing wraps: the areas are fewer than the blocks, and those fewer than the bytes */
    return l->blocks <= len / l->block_size && l->tag_run <= len && l->areas_at <= len &&
           (area + 1) <= len / l->tag_run &&
           integrity_block_at(l, l->blocks - 1) + l->block_size <= len;
}

static enum rc check_flags(const uint8_t *at, struct fault *why)
{
    uint32_t flags = le32_get(at + FLAGS);

    if (at[VERSION] == 0 || at[VERSION] > VERSION_MOST || (flags & ~(uint32_t)ALL_FLAGS) != 0)
        return fail(why, RC_UNSUPPORTED, "version %u of dm-integrity is not known here",
                    at[VERSION]);
    if (flags & (HAS_JOURNAL_MAC | FIXED_HMAC))
        return fail(
            why, RC_UNSUPPORTED,
            "the journal of its dm-integrity is authenticated, which is not known here; "
            "open it with cryptsetup");
    if (flags & INLINE)
        return fail(
            why, RC_UNSUPPORTED,
            "its tags are in the hardware's own sectors, which is not known here; open it "
            "with cryptsetup");
    if (flags & (RECALCULATING | DIRTY_BITMAP))
        return fail(
            why, RC_UNSUPPORTED,
            "its dm-integrity was in bitmap mode or recalculated its tags, which is not "
            "known here; open it with cryptsetup, and when that has ended, here");
    return RC_OK;
}

enum rc integrity_layout_parse(struct integrity_layout *layout,
                               const uint8_t superblock[INTEGRITY_SECTOR], uint64_t len,
                               struct fault *why)
{
    const uint8_t *at = superblock;
    uint64_t provided = le64_get(at + PROVIDED_SECTORS);
    uint8_t log2_block = at[LOG2_BLOCK], log2_interleave = at[LOG2_INTERLEAVE];
    enum rc rc;

    if (memcmp(at, magic, sizeof magic) != 0)
        return fail(why, RC_FORMAT, "there is no superblock of dm-integrity");
    if ((rc = check_flags(at, why)) != RC_OK)
        return rc;
    *layout = (struct integrity_layout){.tag_size = le16_get(at + TAG_SIZE)};
    if (log2_block > LOG2_BLOCK_MOST || log2_interleave < LOG2_INTERLEAVE_LEAST ||
        log2_interleave > LOG2_INTERLEAVE_MOST || layout->tag_size == 0 ||
        layout->tag_size > INTEGRITY_TAG_MAX || le32_get(at + JOURNAL_SECTIONS) == 0 ||
        provided == 0 || provided % (UINT64_C(1) << log2_block) != 0)
        return fail(why, RC_FORMAT, "the superblock of dm-integrity is damaged");
    layout->block_size = INTEGRITY_SECTOR << log2_block;
    layout->log2_interleave = log2_interleave - log2_block;
    layout->blocks = provided >> log2_block;
    layout->journal.sections = le32_get(at + JOURNAL_SECTIONS);
    derive(layout, le32_get(at + FLAGS) & FIXED_PADDING);
    if (!fits(layout, len))
        return fail(why, RC_TRUNCATED, "the device ends before the data of its dm-integrity");
    return RC_OK;
}

/* The most blocks that fit, in the kernel's way: bit by bit from the top, units of 4096. */
static void fill_up(struct integrity_layout *l, uint64_t len)
{
    uint32_t sectors = l->block_size / INTEGRITY_SECTOR;

    for (int bit = 55; bit >= 3; bit--) {
        uint64_t before = l->blocks;

        l->blocks |= (UINT64_C(1) << bit) / sectors;
        if (!fits(l, len))
            l->blocks = before;
    }
}

enum rc integrity_layout_make(struct integrity_layout *layout,
                              uint8_t superblock[INTEGRITY_SECTOR], uint64_t whole,
                              uint64_t len, uint32_t tag_size, uint32_t block_size,
                              struct fault *why)
{
    uint8_t log2_block = (uint8_t)__builtin_ctz(block_size / INTEGRITY_SECTOR);
    uint64_t journal = whole / INTEGRITY_SECTOR >> JOURNAL_SHARE;

    *layout = (struct integrity_layout){
        .tag_size = tag_size,
        .block_size = block_size,
        .log2_interleave = (uint8_t)(LOG2_INTERLEAVE_NEW - log2_block),
    };
    derive(layout, true);
    if (journal > JOURNAL_SECTORS_MOST)
        journal = JOURNAL_SECTORS_MOST;
    layout->journal.sections =
        (uint32_t)(journal * INTEGRITY_SECTOR / layout->journal.section_size);
    if (layout->journal.sections == 0)
        layout->journal.sections = 1;
    derive(layout, true);
    fill_up(layout, len);
    if (layout->blocks == 0)
        return fail(why, RC_TRUNCATED, "there is no room for tags and a journal");
    memset(superblock, 0, INTEGRITY_SECTOR);
    memcpy(superblock, magic, sizeof magic);
    superblock[VERSION] = VERSION_PADDING;
    superblock[LOG2_INTERLEAVE] = LOG2_INTERLEAVE_NEW;
    le16_put(superblock + TAG_SIZE, (uint16_t)tag_size);
    le32_put(superblock + JOURNAL_SECTIONS, layout->journal.sections);
    le64_put(superblock + PROVIDED_SECTORS, layout->blocks << log2_block);
    le32_put(superblock + FLAGS, FIXED_PADDING);
    superblock[LOG2_BLOCK] = log2_block;
    return RC_OK;
}

static uint64_t area_at(const struct integrity_layout *l, uint64_t area)
{
    return l->areas_at + area * (l->tag_run + ((uint64_t)l->block_size << l->log2_interleave));
}

static uint64_t in_area(const struct integrity_layout *l, uint64_t block)
{
    return block & ((UINT64_C(1) << l->log2_interleave) - 1);
}

uint64_t integrity_block_at(const struct integrity_layout *layout, uint64_t block)
{
    return area_at(layout, block >> layout->log2_interleave) + layout->tag_run +
           in_area(layout, block) * layout->block_size;
}

uint64_t integrity_tag_at(const struct integrity_layout *layout, uint64_t block)
{
    return area_at(layout, block >> layout->log2_interleave) +
           in_area(layout, block) * layout->tag_size;
}

uint64_t integrity_section_at(const struct integrity_layout *layout, uint32_t section)
{
    return INTEGRITY_SUPERBLOCK + section * layout->journal.section_size;
}

uint64_t integrity_run(const struct integrity_layout *layout, uint64_t block, uint64_t count)
{
    uint64_t rest = (UINT64_C(1) << layout->log2_interleave) - in_area(layout, block);

    return count < rest ? count : rest;
}
