/*
 * Contents on a disk in memory that may lose its power: of what was written since the last sync any
 * part may then be there or not, page by page, in any order. And on one whose writer is killed.
 */
#include "keep/tree/folder/content_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "base/bytes.h"
#include "base/test/check.h"
#include "keep/tree/folder/test/power_disk.h"

enum {
    BLOCKS = 640,
    VERSIONS_MAX = 64,
    SIZE_MAX_TRIED = BLOCKS * FOLDER_PAGE,
};

static uint32_t last_version;
static bool
    few; /* writes go to a few groups, so that generations of a block follow one another */

/* What the file may hold: of each block every version since the last sync, the last one last. */
struct block {
    unsigned count;
    uint32_t versions[VERSIONS_MAX]; /* what it is filled with, by fill() */
};

static struct block blocks[BLOCKS];
static uint64_t size_now, size_least;

/* Block contents are made of a number, so that a version is told by it; 0 is zeros. */
static void fill(uint8_t out[FOLDER_PAGE], uint32_t version)
{
    for (unsigned i = 0; i < FOLDER_PAGE; i += 4) {
        uint32_t word = version ? version * 2654435761U + i : 0;

        memcpy(out + i, &word, 4);
    }
}

static void add_version(unsigned block, uint32_t version)
{
    struct block *b = &blocks[block];

    if (b->count < VERSIONS_MAX)
        b->count++;
    b->versions[b->count - 1] = version;
}

static void note_synced(void)
{
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i].versions[0] = blocks[i].versions[blocks[i].count - 1];
        blocks[i].count = 1;
    }
    size_least = size_now;
}

static void begin(struct content **c, uint32_t first_seed, bool fast)
{
    seed = first_seed;
    last_version = 0;
    rules.fast = fast;
    forget_ops();
    memset(now, 0, sizeof now);
    memset(durable, 0, sizeof durable);
    now_pages = durable_pages = 0;
    for (unsigned i = 0; i < BLOCKS; i++)
        blocks[i] = (struct block){.count = 1};
    size_now = size_least = 0;
    assert_int_equal(content_create(c, &rules, 3, tag), 0);
    assert_int_equal(content_commit(*c, 3, true), 0);
    note_synced();
}

/* Blocks behind the end are zeros when the file grows again. */
static void note_size(uint64_t size)
{
    for (uint64_t b = (size + FOLDER_PAGE - 1) / FOLDER_PAGE; b < BLOCKS; b++)
        if (blocks[b].versions[blocks[b].count - 1] != 0)
            add_version((unsigned)b, 0);
    size_now = size;
    if (size < size_least)
        size_least = size;
}

static void write_blocks(struct content *c, unsigned from, unsigned count)
{
    static uint8_t bytes[BLOCKS * FOLDER_PAGE];

    for (unsigned i = 0; i < count; i++) {
        fill(bytes + (size_t)i * FOLDER_PAGE, ++last_version);
        add_version(from + i, last_version);
    }
    assert_int_equal(
        content_write(c, 3, bytes, (size_t)count * FOLDER_PAGE, (uint64_t)from * FOLDER_PAGE),
        count * FOLDER_PAGE);
    if (size_now < (uint64_t)(from + count) * FOLDER_PAGE)
        size_now = (uint64_t)(from + count) * FOLDER_PAGE;
}

static void do_write(struct content *c)
{
    unsigned from, count;

    if (few) {
        write_blocks(c, 450 + random_below(170), 1 + random_below(20));
        return;
    }
    from = random_below(BLOCKS);
    count = 1 + random_below(random_below(8) ? 4 : 90);
    write_blocks(c, from, from + count > BLOCKS ? BLOCKS - from : count);
}

static void do_punch(struct content *c)
{
    unsigned from = random_below(BLOCKS), count = 1 + random_below(80);

    if (from + count > BLOCKS)
        count = BLOCKS - from;
    assert_int_equal(content_allocate(c, 3, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                      (uint64_t)from * FOLDER_PAGE,
                                      (uint64_t)count * FOLDER_PAGE),
                     0);
    for (unsigned i = from; i < from + count; i++)
        add_version(i, 0);
}

static void reopen(struct content **c)
{
    assert_int_equal(content_commit(*c, 3, false), 0);
    if (!content_is_settled(*c)) {
        assert_int_equal(content_commit(*c, 3, true), 0);
        assert_int_equal(content_commit(*c, 3, false), 0);
        note_synced();
    }
    assert_true(content_is_settled(*c));
    content_close(*c);
    assert_int_equal(content_load(c, &rules, 3), 0);
}

static void one_step(struct content **c)
{
    switch (random_below(12)) {
    case 0:
        assert_int_equal(random_below(2) ? content_sync(*c, 3) : content_commit(*c, 3, true),
                         0);
        note_synced();
        break;
    case 1:
        assert_int_equal(content_commit(*c, 3, false), 0);
        break;
    case 2: {
        uint64_t size = random_below(5) ? random_below(BLOCKS) * (uint64_t)FOLDER_PAGE : 0;

        assert_int_equal(content_resize(*c, 3, size), 0);
        note_size(size);
        break;
    }
    case 3:
        do_punch(*c);
        break;
    case 4:
        reopen(c);
        break;
    default:
        do_write(*c);
    }
}

static void one_step_of_few(struct content **c)
{
    bool sync = random_below(2);

    switch (random_below(12)) {
    case 0:
    case 1:
        assert_int_equal(content_commit(*c, 3, sync), 0);
        if (sync)
            note_synced();
        break;
    case 2: {
        uint64_t size = (560 + random_below(80)) * (uint64_t)FOLDER_PAGE;

        assert_int_equal(content_resize(*c, 3, size), 0);
        note_size(size);
        break;
    }
    default:
        do_write(*c);
    }
}

/* Some page of what the disk was told since the last sync is there, and some is not. */
static void cut_power(void)
{
    uint32_t share = random_below(11);

    for (unsigned i = 0; i < op_count; i++)
        if (random_below(10) < share)
            apply(durable, &durable_pages, &ops[i]);
    memcpy(now, durable, sizeof now);
    now_pages = durable_pages;
    forget_ops();
}

/* The power fails in the midst of a commit: its writes before some sync are not all there. */
static void commit_in_part(struct content *c)
{
    syncs_left = random_below(3);
    if (content_commit(c, 3, true) == 0)
        note_synced();
    syncs_left = UINT_MAX;
}

/* All that was written up to some moment is there. */
static void kill_writer(unsigned since)
{
    unsigned upto = since + random_below(op_count - since + 1);

    for (unsigned i = 0; i < upto; i++)
        apply(durable, &durable_pages, &ops[i]);
    memcpy(now, durable, sizeof now);
    now_pages = durable_pages;
    forget_ops();
}

static bool is_version(const struct block *b, const uint8_t *bytes, uint32_t *which)
{
    uint8_t right[FOLDER_PAGE];

    for (unsigned v = b->count; v-- > 0;) {
        fill(right, b->versions[v]);
        if (memcmp(right, bytes, FOLDER_PAGE) == 0) {
            *which = b->versions[v];
            return true;
        }
    }
    return false;
}

/* What is there now is a version of each block, and what was synced can be read. */
static void check_after(struct content *c, bool all)
{
    uint64_t size = content_size(c);
    uint8_t bytes[FOLDER_PAGE];

    assert_true(size >= size_least);
    for (unsigned i = 0; i < BLOCKS; i++) {
        bool promised = all || (uint64_t)i * FOLDER_PAGE < size_least;
        uint32_t version = 0;
        ssize_t got = content_read(c, 3, bytes, FOLDER_PAGE, (uint64_t)i * FOLDER_PAGE);

        if (got == -EIO && !promised) {
            blocks[i] = (struct block){.count = 1};
            continue;
        }
        if (got < 0 || (got > 0 && !is_version(&blocks[i], bytes, &version)))
            print_error("seed %u: block %u of %ju: %zd\n", seed, i, (uintmax_t)size, got);
        assert_true(got >= 0);
        assert_true(got == 0 || is_version(&blocks[i], bytes, &version));
        blocks[i] = (struct block){.count = 1, .versions = {version}};
    }
}

/* What cannot be read is made again, as a program would that finds its own unsynced file torn. */
static void mend(struct content *c)
{
    uint8_t bytes[FOLDER_PAGE];

    for (unsigned i = 0; i < BLOCKS; i++)
        if (content_read(c, 3, bytes, FOLDER_PAGE, (uint64_t)i * FOLDER_PAGE) < 0) {
            int error = content_resize(c, 3, (uint64_t)i * FOLDER_PAGE);

            assert_int_equal(error, 0);
            for (unsigned k = i; k < BLOCKS; k++)
                blocks[k] = (struct block){.count = 1};
            break;
        }
}

/* The writer is killed, and the power is still there: what it had written may not be on the disk yet. */
static void kill_and_reopen(struct content **c)
{
    uint8_t bytes[FOLDER_PAGE];

    content_close(*c);
    assert_int_equal(content_load(c, &rules, 3), 0);
    note_size(content_size(*c));
    for (unsigned i = 0; i < blocks_of(size_now); i++) {
        uint32_t version = 0;

        assert_int_equal(content_read(*c, 3, bytes, FOLDER_PAGE, (uint64_t)i * FOLDER_PAGE),
                         FOLDER_PAGE);
        assert_true(is_version(&blocks[i], bytes, &version));
        add_version(i, version);
    }
}

static void run(uint32_t first_seed, bool power, bool fast)
{
    struct content *c;

    keeps_order = !power;
    begin(&c, first_seed, fast);
    if (few)
        write_blocks(c, 0, 560);
    for (unsigned round = 0; round < 12; round++) {
        unsigned steps = 1 + random_below(30);

        for (unsigned i = 0; i < steps; i++)
            few ? one_step_of_few(&c) : one_step(&c);
        if (power && random_below(4) == 0) {
            kill_and_reopen(&c);
            for (unsigned i = 0; i < steps; i++)
                few ? one_step_of_few(&c) : one_step(&c);
        }
        if (power && random_below(2))
            commit_in_part(c);
        content_close(c); /* with all that it had in memory */
        if (power)
            cut_power();
        else
            kill_writer(0);
        assert_int_equal(content_load(&c, &rules, 3), 0);
        check_after(c, !power);
        mend(c);
        size_now = content_size(c);
        assert_int_equal(content_commit(c, 3, true), 0);
        note_synced();
        check_after(c, true);
    }
    content_close(c);
    forget_ops();
}

static void what_was_synced_survives_a_power_cut(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 120; i++)
        run(i, true, false);
}

static void a_killed_writer_leaves_everything_readable(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 60; i++) {
        run(i, false, false);
        run(i, false, true);
    }
}

static void blocks_overwritten_again_and_again_survive_a_cut(void **state)
{
    (void)state;
    few = true;
    for (uint32_t i = 1; i <= 40; i++)
        run(i, i % 4 != 0, false);
    few = false;
}

static uint32_t epoch_on_disk(void)
{
    return le32_get(now[0] + 12);
}

/* What was sealed in an earlier epoch is read beside the rest, also after a cut. */
static void a_file_gets_a_new_key_when_its_nonces_are_used_up(void **state)
{
    (void)state;
    rules.nonces_max = 100;
    for (uint32_t i = 1; i <= 20; i++) {
        run(i, true, false);
        assert_true(epoch_on_disk() > 3);
        run(i, false, false);
        assert_true(epoch_on_disk() > 3);
    }
    rules.nonces_max = 0;
}

static int no_allocation(int fd, int mode, uint64_t offset, uint64_t len)
{
    (void)fd;
    (void)mode;
    (void)offset;
    (void)len;
    return -EOPNOTSUPP;
}

static void what_cannot_be_zeroed_stays_as_it_is(void **state)
{
    const struct disk poor = {disk_read,     disk_write,    disk_sync, disk_sync_parts,
                              disk_truncate, no_allocation, disk_size, disk_sync};
    uint8_t wanted[FOLDER_PAGE], bytes[FOLDER_PAGE];
    struct content *c;

    (void)state;
    begin(&c, 1, false);
    fill(wanted, 1);
    for (uint64_t i = 0; i < 8; i++)
        assert_int_equal(content_write(c, 3, wanted, FOLDER_PAGE, i * FOLDER_PAGE),
                         FOLDER_PAGE);
    rules.disk = &poor;
    assert_int_equal(content_allocate(c, 3, FALLOC_FL_ZERO_RANGE, 1000, 5 * FOLDER_PAGE),
                     -EOPNOTSUPP);
    for (uint64_t i = 0; i < 8; i++) {
        assert_int_equal(content_read(c, 3, bytes, FOLDER_PAGE, i * FOLDER_PAGE), FOLDER_PAGE);
        assert_memory_equal(bytes, wanted, FOLDER_PAGE);
    }
    rules.disk = &disk;
    content_close(c);
    forget_ops();
}

/* ---- a new key for the file, under a new volume key ---- */

static struct folder_keys new_keys;
static const struct content_rules new_rules = {.keys = &new_keys,
                                               .disk = &disk,
                                               .renews = true},
                                  rules_after = {.keys = &new_keys, .disk = &disk};
static unsigned steps_left;

static bool step(void *of, uint64_t bytes)
{
    (void)of;
    (void)bytes;
    return steps_left-- == 0;
}

static struct content *load_either(void)
{
    struct content *c;

    if (content_load(&c, &new_rules, 3) != 0)
        assert_int_equal(content_load(&c, &rules, 3), 0);
    return c;
}

/* As far as it comes before a stop, or before the power fails; true where it came to the end. */
static bool renew_in_part(bool power)
{
    struct content_renewal renewal = {.step = step};
    struct content *c;
    int error = content_load(&c, &new_rules, 3);

    steps_left = power ? UINT_MAX : random_below(20);
    syncs_left = power ? random_below(6) : UINT_MAX;
    if (error != 0) {
        assert_int_equal(content_load(&c, &rules, 3), 0);
        error = content_rewrap(c, 3, &new_rules, tag);
    }
    if (error == 0)
        error = content_renew(c, 3, &renewal);
    assert_int_equal(renewal.damaged, 0);
    syncs_left = UINT_MAX;
    content_close(c);
    return error == 0;
}

static void check_renewed(void)
{
    struct content *c;
    uint32_t epoch = epoch_on_disk();

    assert_int_not_equal(content_load(&c, &rules, 3), 0);
    assert_int_equal(content_load(&c, &rules_after, 3), 0);
    check_after(c, true);
    for (unsigned i = 0; i < BLOCKS && content_size(c) > FILE_INLINE_MAX; i++) {
        uint32_t found = le32_get(now[1 + i / FILE_BLOCKS * (1 + FILE_BLOCKS)] + 64 +
                                  64 * (i % FILE_BLOCKS));

        assert_true((uint64_t)i * FOLDER_PAGE >= content_size(c) || found == 0 ||
                    found == epoch || content_is_absent(c, i / FILE_BLOCKS));
    }
    content_close(c);
}

static void renew(uint32_t first_seed, bool power)
{
    struct content *c;
    bool ended = false;

    begin(&c, first_seed, false);
    for (unsigned i = random_below(40); i > 0; i--)
        one_step(&c);
    assert_int_equal(content_commit(c, 3, true), 0);
    note_synced();
    content_close(c);
    for (unsigned round = 0; !ended; round++) {
        assert_true(round < 500);
        ended = renew_in_part(power);
        if (power)
            cut_power();
        else
            kill_writer(0);
        c = load_either();
        check_after(c, true);
        content_close(c);
        ended &= content_load(&c, &rules_after, 3) == 0;
        if (ended)
            content_close(c);
    }
    check_renewed();
    forget_ops();
}

/* A cut at any moment leaves all of it readable, under the one key, the other, or both. */
static void a_new_file_key_is_given_in_place(void **state)
{
    SCOPED(secret) key = {0};
    const struct folder_format format = {.cipher = "aes-256-gcm"};

    (void)state;
    assert_int_equal(secret_alloc(&key, 64, NULL), RC_OK);
    key.at[0] = 1;
    assert_int_equal(folder_keys_open(&new_keys, &format, &key, NULL), RC_OK);
    for (uint32_t i = 1; i <= 100; i++) {
        renew(i, true);
        renew(i, false);
    }
    folder_keys_clear(&new_keys);
}

/* A write of one group that finds no room: the group is absent as before. */
static void fill_in_vain(struct content *c, uint64_t group)
{
    struct file_header before = c->header;
    uint8_t bytes[2 * FOLDER_PAGE] = {1};

    room = 1;
    assert_int_equal(content_write(c, 3, bytes, sizeof bytes, group * GROUP_BYTES), -ENOSPC);
    assert_int_equal(
        content_write(c, 3, bytes, sizeof bytes, group * GROUP_BYTES + FOLDER_PAGE), -ENOSPC);
    room = PAGES;
    assert_int_equal(c->header.ranges, before.ranges);
    assert_memory_equal(c->header.absent, before.absent,
                        before.ranges * sizeof *before.absent);
    assert_null(content_cached_tags(c, group));
}

static void a_group_that_finds_no_room_stays_absent(void **state)
{
    static const uint64_t some[] = {0, 5, 9};
    struct content *c;

    (void)state;
    begin(&c, 1, false);
    assert_int_equal(content_resize(c, 3, 10 * GROUP_BYTES), 0);
    for (size_t i = 0; i < 3; i++)
        fill_in_vain(c, some[i]);
    write_blocks(c, 4 * FILE_BLOCKS, 1);
    write_blocks(c, 6 * FILE_BLOCKS, 1);
    for (size_t i = 0; i < 3; i++)
        fill_in_vain(c, some[i]);
    for (uint64_t group = 0; group < 10; group++)
        assert_int_equal(content_is_absent(c, group), group != 4 && group != 6);
    content_close(c);
    forget_ops();
}

static struct content *make_new(void)
{
    struct content *c;

    forget_ops();
    memset(now, 0, sizeof now);
    now_pages = 0;
    assert_int_equal(content_make(&c, &rules, tag), 0);
    assert_true(content_is_unwritten(c) && !content_is_settled(c));
    return c;
}

/* Its first content and its header come at once, and whoever writes is told where there is no room for them. */
static void a_new_file_is_written_with_its_first_content(void **state)
{
    struct content *c = make_new();
    char got[8];

    (void)state;
    room = 0;
    assert_int_equal(content_write(c, 3, "content", 8, 0), -ENOSPC);
    assert_int_equal(content_size(c), 0);
    room = PAGES;
    assert_int_equal(content_write(c, 3, "content", 8, 0), 8);
    assert_int_equal(op_count, 1);
    content_close(c);
    assert_int_equal(content_load(&c, &rules, 3), 0);
    assert_int_equal(content_read(c, 3, got, sizeof got, 0), 8);
    assert_string_equal(got, "content");
    content_close(c);
}

/* Killed after each of its writes, it is a file or is not there. */
static void a_new_file_of_blocks_begins_with_its_header(void **state)
{
    static const uint8_t bytes[70 * FOLDER_PAGE] = {1};
    struct content *c = make_new(), *left;

    (void)state;
    assert_int_equal(content_load(&left, &rules, 3), -ENOENT);
    assert_int_equal(content_write(c, 3, bytes, sizeof bytes, FOLDER_PAGE), sizeof bytes);
    content_close(c);
    memset(now, 0, sizeof now);
    now_pages = 0;
    assert_true(op_count > 70);
    for (unsigned i = 0; i < op_count; i++) {
        apply(now, &now_pages, &ops[i]);
        assert_int_equal(content_load(&left, &rules, 3), 0);
        content_close(left);
    }
    c = make_new();
    assert_int_equal(content_resize(c, 3, 100), 0);
    assert_int_equal(op_count, 0);
    assert_int_equal(content_resize(c, 3, 2 * GROUP_BYTES), 0);
    assert_int_equal(content_commit(c, 3, false), 0);
    content_close(c);
    assert_int_equal(content_load(&c, &rules, 3), 0);
    assert_int_equal(content_size(c), 2 * GROUP_BYTES);
    content_close(c);
    forget_ops();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_file_key_is_given_in_place),
        cmocka_unit_test(a_file_gets_a_new_key_when_its_nonces_are_used_up),
        cmocka_unit_test(what_cannot_be_zeroed_stays_as_it_is),
        cmocka_unit_test(a_new_file_is_written_with_its_first_content),
        cmocka_unit_test(a_new_file_of_blocks_begins_with_its_header),
        cmocka_unit_test(what_was_synced_survives_a_power_cut),
        cmocka_unit_test(a_group_that_finds_no_room_stays_absent),
        cmocka_unit_test(blocks_overwritten_again_and_again_survive_a_cut),
        cmocka_unit_test(a_killed_writer_leaves_everything_readable),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
