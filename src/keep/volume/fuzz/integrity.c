/*
 * The superblock and the journal of dm-integrity. An input is the head of a superblock, the round
 * of each section, and tables of entries; the numbers that a journal must have are put in, so
 * that the replay is reached.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "keep/volume/integrity.h"

enum {
    DEVICE_SIZE = 1 << 20,
    HEAD = 64,
    ROUNDS = 16,
    INPUT_MAX = 16384,
    TABLE = INTEGRITY_ENTRY_SECTORS * INTEGRITY_SECTOR,
    ID_AT = INTEGRITY_SECTOR - 8,
};

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static uint8_t image[DEVICE_SIZE];

/* Each section's numbers, and its table from what is left of the input. */
static void make_journal(const struct integrity_layout *l, const uint8_t *rounds,
                         const uint8_t *at, size_t len)
{
    for (uint32_t s = 0; s < l->journal.sections; s++) {
        uint8_t *section = image + integrity_section_at(l, s);
        size_t part = len < TABLE ? len : TABLE;
        uint64_t round = rounds[s % ROUNDS] & 3;

        memcpy(section, at, part);
        at += part;
        len -= part;
        if (rounds[s % ROUNDS] & 0x80)
            continue; /* a damaged one */
        for (uint64_t i = 0; i < l->journal.section_size / INTEGRITY_SECTOR; i++)
            le64_put(section + i * INTEGRITY_SECTOR + ID_AT,
                     (round + 1) * UINT64_C(0x1111111111111111) ^ ((uint64_t)s << 32 | i));
    }
}

static void use(struct device *device, const struct integrity_layout *l,
                enum integrity_use how)
{
    uint8_t data[4096], tag[INTEGRITY_TAG_MAX];
    struct integrity *i;

    if (integrity_open(&i, device, 0, device->size, l->tag_size, l->block_size, how, NULL) !=
        RC_OK)
        return;
    assert(integrity_read(i, 0, 1, data, tag, NULL) == RC_OK);
    assert(integrity_read(i, integrity_blocks(i) - 1, 1, data, tag, NULL) == RC_OK);
    if (how == INTEGRITY_WRITE) {
        assert(integrity_write(i, integrity_blocks(i) - 1, 1, data, tag, NULL) == RC_OK);
        assert(integrity_flush(i, NULL) == RC_OK);
    }
    integrity_close(i);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct integrity_layout layout;
    struct device *device;

    if (len < HEAD + ROUNDS || len > INPUT_MAX)
        return 0;
    memset(image, 0, sizeof image);
    memcpy(image, at, HEAD);
    if (integrity_layout_parse(&layout, image, DEVICE_SIZE, NULL) != RC_OK)
        return 0;
    make_journal(&layout, at + HEAD, at + HEAD + ROUNDS, len - HEAD - ROUNDS);
    if (device_open_memory(&device, image, DEVICE_SIZE, NULL) != RC_OK)
        abort();
    use(device, &layout, INTEGRITY_READ);
    use(device, &layout, INTEGRITY_WRITE);
    device_close(device);
    return 0;
}
