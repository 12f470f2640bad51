#include "keep/volume/integrity.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/test/check.h"
#include "keep/volume/integrity_journal.h"
#include "keep/volume/test/cut_device.h"

enum { AT = 8192, TAG = 28, BLOCK = 512, BLOCKS = 96, LEN = CUT_DEVICE_SIZE - AT };

static struct cut_device disk;

static struct integrity *open_it(enum integrity_use use)
{
    struct integrity *i;
    struct fault why = {0};

    check(why.text, integrity_open(&i, &disk.device, AT, LEN, TAG, BLOCK, use, &why) == RC_OK);
    return i;
}

static void fill(uint8_t *at, size_t len, uint64_t value)
{
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)(value >> i % 8 * 8);
}

/* Block n with what makes it the one of `value`. */
static enum rc put(struct integrity *i, uint64_t block, uint64_t value)
{
    uint8_t data[BLOCK], tag[TAG];

    fill(data, sizeof data, value);
    fill(tag, sizeof tag, ~value);
    return integrity_write(i, block, 1, data, tag, NULL);
}

/* The value of a block, which must be one, and its tag's too. */
static uint64_t get(struct integrity *i, uint64_t block)
{
    uint8_t data[BLOCK], tag[TAG], want[BLOCK];
    uint64_t value;

    assert_int_equal(integrity_read(i, block, 1, data, tag, NULL), RC_OK);
    value = le64_get(data);
    fill(want, sizeof want, value);
    assert_memory_equal(data, want, BLOCK);
    fill(want, TAG, ~value);
    assert_memory_equal(tag, want, TAG);
    return value;
}

/* The kernel would choose one section for a device of that size. */
static void make_sections(uint32_t sections)
{
    uint8_t superblock[INTEGRITY_SECTOR];
    struct integrity_layout layout;

    assert_int_equal(
        integrity_layout_make(&layout, superblock, CUT_DEVICE_SIZE, LEN, TAG, BLOCK, NULL),
        RC_OK);
    superblock[9] = 5; /* areas of 32 blocks */
    le32_put(superblock + 12, sections);
    le64_put(superblock + 16, 2 * BLOCKS);
    assert_int_equal(integrity_layout_parse(&layout, superblock, LEN, NULL), RC_OK);
    assert_int_equal(device_write(&disk.device, AT, superblock, sizeof superblock, NULL),
                     RC_OK);
    assert_int_equal(integrity_journal_make(&disk.device, AT, &layout, NULL), RC_OK);
}

static void make_filled(uint32_t sections)
{
    static uint8_t data[BLOCKS * BLOCK], tags[BLOCKS * TAG];
    struct integrity *i;

    cut_device_init(&disk);
    assert_int_equal(integrity_create(&disk.device, AT, LEN, TAG, BLOCK, NULL), RC_OK);
    if (sections > 1)
        make_sections(sections);
    i = open_it(INTEGRITY_FILL);
    assert_true(integrity_blocks(i) >= BLOCKS);
    memset(tags, 0xff, sizeof tags);
    assert_int_equal(integrity_write(i, 0, BLOCKS, data, tags, NULL), RC_OK);
    assert_int_equal(integrity_flush(i, NULL), RC_OK);
    integrity_close(i);
}

static void what_is_written_is_read(void **state)
{
    struct integrity *i;

    (void)state;
    make_filled(3);
    i = open_it(INTEGRITY_WRITE);
    for (uint64_t turn = 1; turn < 500; turn++) {
        uint64_t block = turn * turn % BLOCKS;

        assert_int_equal(put(i, block, turn), RC_OK);
        assert_int_equal(get(i, block), turn);
    }
    integrity_close(i);
    for (int use = INTEGRITY_READ; use <= INTEGRITY_WRITE; use++) {
        i = open_it((enum integrity_use)use);
        for (uint64_t block = 0; block < BLOCKS; block++) {
            uint64_t want = 0;

            for (uint64_t turn = 1; turn < 500; turn++)
                want = turn * turn % BLOCKS == block ? turn : want;
            assert_int_equal(get(i, block), want);
        }
        integrity_close(i);
    }
    i = open_it(INTEGRITY_READ);
    assert_int_equal(put(i, 0, 1), RC_DENIED);
    integrity_close(i);
}

/* What each block may hold after a cut: values from the last one that was flushed on. */
struct history {
    uint64_t flushed[BLOCKS], last[BLOCKS];
    uint64_t turn; /* values grow, so that these are in between */
};

/* Writes until the power goes; with a flush now and then. */
static void work(struct history *h, uint64_t turns)
{
    struct integrity *i;

    if (integrity_open(&i, &disk.device, AT, LEN, TAG, BLOCK, INTEGRITY_WRITE, NULL) != RC_OK)
        return;
    for (uint64_t n = 0; n < turns; n++) {
        uint64_t block = (h->turn * 7 + n / 3) % BLOCKS;

        h->last[block] = ++h->turn;
        if (put(i, block, h->turn) != RC_OK)
            break;
        if (n % 23 == 22) {
            if (integrity_flush(i, NULL) != RC_OK)
                break;
            memcpy(h->flushed, h->last, sizeof h->flushed);
        }
    }
    integrity_close(i);
}

/* From then on, what is there is what counts: a value that is lost does not come back. */
static void verify(struct history *h, enum integrity_use use)
{
    struct integrity *i = open_it(use);

    for (uint64_t block = 0; block < BLOCKS; block++) {
        uint64_t value = get(i, block);

        assert_true(value >= h->flushed[block] && value <= h->last[block]);
        h->flushed[block] = h->last[block] = value;
    }
    integrity_close(i);
}

/* Cut at every write and flush, at those of the replay that follows too. */
static void cut_everywhere(uint32_t sections)
{
    static struct cut_device full;
    struct history whole = {0};
    uint64_t writes;

    make_filled(sections);
    full = disk;
    work(&whole, 300);
    writes = disk.writes - full.writes;
    assert_true(writes > 50);
    for (uint64_t cut = 0; cut <= writes; cut++) {
        struct history h = {0};

        disk = full;
        disk.seed += cut;
        disk.cut_at = disk.writes + cut;
        work(&h, 300);
        cut_device_revive(&disk);
        verify(&h, INTEGRITY_READ);
        disk.cut_at = disk.writes + cut % 17; /* in the replay */
        work(&h, 60);
        cut_device_revive(&disk);
        verify(&h, INTEGRITY_READ);
        verify(&h, INTEGRITY_WRITE);
        verify(&h, INTEGRITY_READ);
    }
}

static void a_cut_anywhere_leaves_old_or_new(void **state)
{
    (void)state;
    cut_everywhere(1);
    cut_everywhere(2);
    cut_everywhere(5);
}

enum { THREADS = 4, TURNS = 150 };

struct worker {
    struct integrity *integrity;
    uint64_t first; /* of the blocks that are its own */
};

static void *write_and_read(void *of)
{
    const struct worker *w = of;

    for (uint64_t turn = 1; turn <= TURNS; turn++) {
        uint64_t block = w->first + turn % (BLOCKS / THREADS);

        if (put(w->integrity, block, turn) != RC_OK || get(w->integrity, block) != turn ||
            (turn % 40 == 0 && integrity_flush(w->integrity, NULL) != RC_OK))
            return of;
    }
    return NULL;
}

static void threads_share_it(void **state)
{
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    struct integrity *i;

    (void)state;
    make_filled(3);
    i = open_it(INTEGRITY_WRITE);
    for (int n = 0; n < THREADS; n++) {
        workers[n] = (struct worker){i, (uint64_t)n * (BLOCKS / THREADS)};
        assert_int_equal(pthread_create(&threads[n], NULL, write_and_read, &workers[n]), 0);
    }
    for (int n = 0; n < THREADS; n++) {
        void *failed;

        assert_int_equal(pthread_join(threads[n], &failed), 0);
        assert_null(failed);
    }
    integrity_close(i);
}

static const struct {
    const char *what;
    uint32_t at; /* byte of the superblock */
    uint8_t value;
    enum rc rc;
} broken[] = {
    {"no magic", 0, 'I', RC_FORMAT},
    {"version 0", 8, 0, RC_UNSUPPORTED},
    {"version 7", 8, 7, RC_UNSUPPORTED},
    {"an interleave below 8", 9, 2, RC_FORMAT},
    {"an interleave beyond 2^31", 9, 32, RC_FORMAT},
    {"no tags", 10, 0, RC_FORMAT},
    {"other tags", 10, 27, RC_FORMAT},
    {"a journal beyond the device", 14, 0x7f, RC_TRUNCATED},
    {"more blocks than there are", 23, 0x10, RC_TRUNCATED},
    {"a journal with codes", 24, 9, RC_UNSUPPORTED},
    {"recalculation", 24, 10, RC_UNSUPPORTED},
    {"a bitmap", 24, 12, RC_UNSUPPORTED},
    {"tags in the hardware", 24, 40, RC_UNSUPPORTED},
    {"an unknown flag", 24, 0x88, RC_UNSUPPORTED},
    {"blocks of 64 KiB", 28, 7, RC_FORMAT},
};

static void bad_superblocks_are_refused(void **state)
{
    struct integrity *i;

    (void)state;
    make_filled(1);
    for (size_t n = 0; n < sizeof broken / sizeof *broken; n++) {
        uint8_t *at = &disk.now[AT + broken[n].at], was = *at;
        struct fault why = {0};

        *at = broken[n].value;
        check(broken[n].what, integrity_open(&i, &disk.device, AT, LEN, TAG, BLOCK,
                                             INTEGRITY_WRITE, &why) == broken[n].rc);
        check(broken[n].what, why.text[0] != '\0');
        *at = was;
    }
    disk.now[AT + INTEGRITY_SUPERBLOCK + 511] ^= 1; /* a sector of the journal */
    assert_int_equal(
        integrity_open(&i, &disk.device, AT, LEN, TAG, BLOCK, INTEGRITY_WRITE, NULL),
        RC_FORMAT);
    assert_int_equal(
        integrity_open(&i, &disk.device, AT, 4000, TAG, BLOCK, INTEGRITY_WRITE, NULL),
        RC_TRUNCATED);
}

/* Made by the kernel for a device of 2.5 MiB, from 1 MiB on, with tags of 32 bytes for blocks of
 * 4096: what a new one of that size has to be. */
static void a_new_one_is_as_the_kernel_makes_it(void **state)
{
    uint8_t superblock[INTEGRITY_SECTOR];
    struct integrity_layout layout;

    (void)state;
    assert_int_equal(
        integrity_layout_make(&layout, superblock, 2621440, 1572864, 32, 4096, NULL), RC_OK);
    assert_int_equal(layout.blocks, 318);
    assert_memory_equal(
        superblock, "integrt\0\x04\x0f\x20\0\x01\0\0\0\xf0\x09\0\0\0\0\0\0\x08\0\0\0\x03", 29);
    assert_int_equal(integrity_layout_make(&layout, superblock, 65536, 65536, 32, 4096, NULL),
                     RC_TRUNCATED);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(what_is_written_is_read),
                                     cmocka_unit_test(a_cut_anywhere_leaves_old_or_new),
                                     cmocka_unit_test(threads_share_it),
                                     cmocka_unit_test(bad_superblocks_are_refused),
                                     cmocka_unit_test(a_new_one_is_as_the_kernel_makes_it)};

    return cmocka_run_group_tests(all, NULL, NULL);
}
