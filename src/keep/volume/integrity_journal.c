#include "keep/volume/integrity_journal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum {
    ROUNDS = 4,
    MIXED = ROUNDS, /* a section whose sectors are of several rounds */
    ID_AT = INTEGRITY_SECTOR - 8,
    TABLE_SIZE = INTEGRITY_ENTRY_SECTORS * INTEGRITY_SECTOR,
    NEW_ROUND = 2, /* what the kernel gives to a new ring */
};

/* What marks an entry without a block, in the high half of the number of its sector. */
static const uint32_t unused_high = UINT32_MAX;

static uint64_t id_of(uint32_t section, uint32_t sector, unsigned round)
{
    return (round + 1) * UINT64_C(0x1111111111111111) ^ ((uint64_t)section << 32 | sector);
}

static uint8_t before(unsigned round)
{
    return (uint8_t)((round + ROUNDS - 1) % ROUNDS);
}

static uint8_t after(unsigned round)
{
    return (uint8_t)((round + 1) % ROUNDS);
}

static uint8_t *entry_at(const struct integrity_layout *l, uint8_t *section, uint32_t entry)
{
    return section + entry % INTEGRITY_ENTRY_SECTORS * INTEGRITY_SECTOR +
           entry / INTEGRITY_ENTRY_SECTORS * l->journal.entry_size;
}

static bool is_unused(const uint8_t *entry)
{
    return le32_get(entry + 4) == unused_high;
}

/* One section as it was found. */
struct found {
    uint8_t round; /* or MIXED */
    uint32_t entries;
};

/* What all sections together say. */
struct survey {
    struct found *sections;
    bool used[ROUNDS];     /* is there a sector of that round? */
    uint32_t last[ROUNDS]; /* the last section with one */
};

static enum rc look_at(const struct integrity_layout *l, uint8_t *bytes, uint32_t section,
                       struct survey *survey, struct fault *why)
{
    struct found *found = &survey->sections[section];
    uint32_t sectors = (uint32_t)(l->journal.section_size / INTEGRITY_SECTOR);

    for (uint32_t i = 0; i < sectors; i++) {
        uint64_t id = le64_get(bytes + (size_t)i * INTEGRITY_SECTOR + ID_AT);
        uint8_t round = 0;

        while (round < ROUNDS && id != id_of(section, i, round))
            round++;
        if (round == ROUNDS)
            return fail(why, RC_FORMAT,
                        "the journal of its dm-integrity is damaged, in section %" PRIu32,
                        section);
        survey->used[round] = true;
        survey->last[round] = section;
        found->round = i == 0 || found->round == round ? round : MIXED;
    }
    for (uint32_t i = 0; i < l->journal.entries; i++)
        found->entries += !is_unused(entry_at(l, bytes, i));
    return RC_OK;
}

/* The newest round: the one before the first that is not there. */
static enum rc newest_round(const struct survey *survey, uint8_t *newest, struct fault *why)
{
    unsigned free = ROUNDS - 1;

    if (!survey->used[free]) {
        while (free > 0 && !survey->used[free - 1])
            free--;
    } else {
        for (free = 0; free < ROUNDS && survey->used[free]; free++)
            ;
        if (free == ROUNDS)
            return fail(why, RC_FORMAT,
                        "the journal of its dm-integrity is damaged: it has every round");
    }
    *newest = before(free);
    return RC_OK;
}

static enum rc judge(const struct integrity_layout *l, const struct survey *survey,
                     struct integrity_ring *ring, struct fault *why)
{
    uint32_t sections = l->journal.sections, at;
    bool empty = true;
    uint8_t newest = 0;
    enum rc rc = newest_round(survey, &newest, why);

    if (rc != RC_OK)
        return rc;
    *ring = (struct integrity_ring){.round = before(newest)};
    for (uint32_t i = 0; i < sections; i++)
        empty = empty && survey->sections[i].entries == 0;
    if (!survey->used[ring->round] && survey->used[before(ring->round)])
        empty = true;
    at = survey->last[newest] + 1;
    if (at >= sections) {
        at = 0;
        ring->round = after(ring->round);
    }
    ring->first = at;
    for (; ring->count < sections && survey->sections[at].round == ring->round;
         ring->count++) {
        ring->entries += survey->sections[at].entries;
        if (++at >= sections) {
            at = 0;
            ring->round = after(ring->round);
        }
    }
    ring->whole = ring->count == sections;
    ring->next = ring->first;
    if (!ring->whole)
        ring->round = before(before(newest));
    if (empty)
        ring->count = ring->entries = 0;
    return RC_OK;
}

enum rc integrity_journal_scan(struct device *device, uint64_t at,
                               const struct integrity_layout *layout,
                               struct integrity_ring *ring, struct fault *why)
{
    uint8_t *bytes = malloc(layout->journal.section_size);
    struct survey survey = {.sections =
                                calloc(layout->journal.sections, sizeof *survey.sections)};
    enum rc rc =
        bytes && survey.sections ? RC_OK : fail(why, RC_MEMORY, "no memory for a journal");

    for (uint32_t i = 0; i < layout->journal.sections && rc == RC_OK; i++) {
        rc = device_read(device, at + integrity_section_at(layout, i), bytes,
                         layout->journal.section_size, why);
        if (rc == RC_OK)
            rc = look_at(layout, bytes, i, &survey, why);
    }
    if (rc == RC_OK)
        rc = judge(layout, &survey, ring, why);
    free(survey.sections);
    free(bytes);
    return rc;
}

/* The last 8 bytes of each sector of a block are in its entry, as the journal needs their
 * place. */
static void swap_ends(const struct integrity_layout *l, uint8_t *block, uint8_t *entry,
                      bool into_entry)
{
    for (uint32_t i = 0; i < l->block_size / INTEGRITY_SECTOR; i++) {
        uint8_t *end = block + (size_t)i * INTEGRITY_SECTOR + ID_AT, *kept = entry + 8 + 8 * i;

        memcpy(into_entry ? kept : end, into_entry ? end : kept, 8);
    }
}

static enum rc replay_section(const struct integrity_layout *l, uint8_t *bytes,
                              struct integrity_overlay *overlay, struct fault *why)
{
    uint32_t sectors = l->block_size / INTEGRITY_SECTOR;

    for (uint32_t i = 0; i < l->journal.entries; i++) {
        uint8_t *entry = entry_at(l, bytes, i);
        uint8_t *block = bytes + TABLE_SIZE + (size_t)i * l->block_size;
        uint64_t sector = le64_get(entry);

        if (is_unused(entry))
            continue;
        if (sector % sectors != 0)
            return fail(why, RC_FORMAT,
                        "the journal of its dm-integrity is damaged: sector %" PRIu64
                        " is not one that begins a block",
                        sector);
        if (sector / sectors >= l->blocks)
            continue;
        swap_ends(l, block, entry, false);
        integrity_overlay_put(overlay, sector / sectors, block,
                              entry + 8 + 8 * (size_t)sectors);
    }
    return RC_OK;
}

enum rc integrity_journal_replay(struct device *device, uint64_t at,
                                 const struct integrity_layout *layout,
                                 const struct integrity_ring *ring,
                                 struct integrity_overlay *overlay, struct fault *why)
{
    uint8_t *bytes = malloc(layout->journal.section_size);
    uint32_t section = ring->first;
    enum rc rc = bytes ? RC_OK : fail(why, RC_MEMORY, "no memory for a journal");

    for (uint32_t i = 0; i < ring->count && rc == RC_OK; i++) {
        rc = device_read(device, at + integrity_section_at(layout, section), bytes,
                         layout->journal.section_size, why);
        if (rc == RC_OK)
            rc = replay_section(layout, bytes, overlay, why);
        section = (section + 1) % layout->journal.sections;
    }
    free(bytes);
    return rc;
}

static void mark(uint8_t *bytes, uint64_t len, uint32_t section, uint8_t round)
{
    for (uint32_t i = 0; i < len / INTEGRITY_SECTOR; i++)
        le64_put(bytes + (size_t)i * INTEGRITY_SECTOR + ID_AT, id_of(section, i, round));
}

enum rc integrity_journal_write(struct device *device, uint64_t at,
                                const struct integrity_layout *layout, uint32_t section,
                                uint8_t round, const struct integrity_overlay *overlay,
                                uint32_t slot, uint32_t count, uint8_t *room,
                                struct fault *why)
{
    uint32_t sectors = layout->block_size / INTEGRITY_SECTOR;

    memset(room, 0, layout->journal.section_size);
    for (uint32_t i = 0; i < layout->journal.entries; i++) {
        uint8_t *entry = entry_at(layout, room, i);
        uint8_t *block = room + TABLE_SIZE + (size_t)i * layout->block_size;

        if (i >= count) {
            le32_put(entry + 4, unused_high);
            continue;
        }
        le64_put(entry, overlay->block[slot + i] * sectors);
        memcpy(block, integrity_overlay_data(overlay, slot + i), layout->block_size);
        swap_ends(layout, block, entry, true);
        memcpy(entry + 8 + 8 * (size_t)sectors, integrity_overlay_tag(overlay, slot + i),
               layout->tag_size);
    }
    mark(room, layout->journal.section_size, section, round);
    return device_write(device, at + integrity_section_at(layout, section), room,
                        layout->journal.section_size, why);
}

/* Its first `len` bytes, without an entry. */
static enum rc write_empty(struct device *device, uint64_t at,
                           const struct integrity_layout *layout, uint32_t section,
                           uint8_t round, uint64_t len, struct fault *why)
{
    uint8_t *room = calloc(1, len);
    enum rc rc;

    if (!room)
        return fail(why, RC_MEMORY, "no memory for a journal");
    for (uint32_t i = 0; i < layout->journal.entries; i++)
        le32_put(entry_at(layout, room, i) + 4, unused_high);
    mark(room, len, section, round);
    rc = device_write(device, at + integrity_section_at(layout, section), room, len, why);
    free(room);
    return rc;
}

/* Every sector of every section, in one round; the next one begins the round behind it. */
static enum rc make_ring(struct device *device, uint64_t at,
                         const struct integrity_layout *layout, struct integrity_ring *ring,
                         struct fault *why)
{
    enum rc rc = RC_OK;

    for (uint32_t i = 0; i < layout->journal.sections && rc == RC_OK; i++)
        rc = write_empty(device, at, layout, (ring->next + i) % layout->journal.sections,
                         ring->round, layout->journal.section_size, why);
    ring->next = 0;
    ring->round = after(ring->round);
    ring->whole = true;
    return rc;
}

static bool has_entries(const struct integrity_layout *l, uint8_t *table)
{
    for (uint32_t i = 0; i < l->journal.entries; i++) {
        if (!is_unused(entry_at(l, table, i)))
            return true;
    }
    return false;
}

/* A section keeps its round, and so the ring its order. */
static enum rc empty_section(struct device *device, uint64_t at,
                             const struct integrity_layout *layout, uint32_t section,
                             struct fault *why)
{
    uint8_t table[TABLE_SIZE];
    uint8_t round = 0;
    enum rc rc = device_read(device, at + integrity_section_at(layout, section), table,
                             sizeof table, why);

    if (rc != RC_OK || !has_entries(layout, table))
        return rc;
    while (round < ROUNDS - 1 && le64_get(table + ID_AT) != id_of(section, 0, round))
        round++;
    rc = write_empty(device, at, layout, section, round, TABLE_SIZE, why);
    return rc != RC_OK ? rc : device_flush(device, why);
}

enum rc integrity_journal_empty(struct device *device, uint64_t at,
                                const struct integrity_layout *layout,
                                struct integrity_ring *ring, struct fault *why)
{
    uint32_t section = ring->next,
             count = ring->whole ? layout->journal.sections : ring->count;
    enum rc rc = RC_OK;

    for (uint32_t i = 0; i < count && rc == RC_OK; i++) {
        rc = empty_section(device, at, layout, section, why);
        section = (section + 1) % layout->journal.sections;
    }
    if (rc != RC_OK || ring->whole)
        return rc;
    rc = make_ring(device, at, layout, ring, why);
    return rc != RC_OK ? rc : device_flush(device, why);
}

enum rc integrity_journal_make(struct device *device, uint64_t at,
                               const struct integrity_layout *layout, struct fault *why)
{
    struct integrity_ring ring = {.round = NEW_ROUND};

    return make_ring(device, at, layout, &ring, why);
}
