/*
 * Contents on a disk of which one call fails, each in turn, in the midst of anything that is done to a file: its
 * bytes are then those of before or those that were wanted, and stay so, whatever comes next.
 */
#include "keep/tree/folder/content_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/test/check.h"
#include "keep/tree/folder/test/power_disk.h"

enum { BLOCKS = 200, BYTES = BLOCKS * FOLDER_PAGE, END = 190 * FOLDER_PAGE + 1000 };

static const uint8_t other_tag[FOLDER_TAG] = {8};

/* ---- what a file should be ---- */

struct image {
    bool is_none; /* no file at all */
    uint64_t size;
    uint8_t bytes[BYTES]; /* behind the size zeros */
};

static struct image synced, before, after, seen, latest, found;

static void copy_image(struct image *to, const struct image *from)
{
    memcpy(to, from, sizeof *to);
}

/* ---- what is done to it ---- */

struct act {
    enum { WRITE, RESIZE, PUNCH, ZERO, COMMIT, SYNC, BIND } kind;
    uint64_t offset, len;
};

static const struct act acts[] = {
    {WRITE, 0, 8},
    {WRITE, 100, 300},
    {WRITE, 0, FOLDER_PAGE},
    {WRITE, 3 * FOLDER_PAGE, 2 * FOLDER_PAGE},
    {WRITE, 61 * FOLDER_PAGE + 50, 5 * FOLDER_PAGE + 100},
    {WRITE, 126 * FOLDER_PAGE, 3 * FOLDER_PAGE},
    {WRITE, 130 * FOLDER_PAGE, 100},
    {WRITE, END, 9000},
    {RESIZE, 0, 0},
    {RESIZE, 0, 50},
    {RESIZE, 0, 3 * FOLDER_PAGE},
    {RESIZE, 0, 64 * FOLDER_PAGE + 5},
    {RESIZE, 0, 198 * FOLDER_PAGE},
    {PUNCH, 100, 64 * FOLDER_PAGE},
    {ZERO, FOLDER_PAGE, BYTES - FOLDER_PAGE},
    {COMMIT, 0, 0},
    {SYNC, 0, 0},
    {BIND, 0, 0},
};

static int perform(struct content *c, const struct act *act, uint8_t with)
{
    static uint8_t bytes[BYTES];
    ssize_t put;

    switch (act->kind) {
    case WRITE:
        memset(bytes, with, act->len);
        put = content_write(c, 3, bytes, act->len, act->offset);
        return put < 0 ? (int)put : 0;
    case RESIZE:
        return content_resize(c, 3, act->len);
    case PUNCH:
        return content_allocate(c, 3, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, act->offset,
                                act->len);
    case ZERO:
        return content_allocate(c, 3, FALLOC_FL_ZERO_RANGE, act->offset, act->len);
    case COMMIT:
    case SYNC:
        return content_commit(c, 3, act->kind == SYNC);
    case BIND:
        return content_bind(c, 3,
                            &(struct content_binding){.only = other_tag, .urgent = true});
    }
    return -EINVAL;
}

static void imagine(struct image *image, const struct act *act, uint8_t with)
{
    uint64_t end = act->offset + act->len;

    if (act->kind == RESIZE) {
        if (act->len < image->size)
            memset(image->bytes + act->len, 0, image->size - act->len);
        image->size = act->len;
    } else if (act->kind == PUNCH) {
        if (end > image->size)
            end = image->size;
        if (act->offset < end)
            memset(image->bytes + act->offset, 0, end - act->offset);
    } else if (act->kind == WRITE || act->kind == ZERO) {
        memset(image->bytes + act->offset, act->kind == WRITE ? with : 0, act->len);
        if (end > image->size)
            image->size = end;
    }
}

/* Something that does not fail. */
static void have(struct content *c, struct act act, uint8_t with)
{
    assert_int_equal(perform(c, &act, with), 0);
    imagine(&before, &act, with);
    if (act.kind == SYNC)
        copy_image(&synced, &before);
}

static void have_blocks(struct content *c, unsigned from, unsigned count, uint8_t with)
{
    have(c, (struct act){WRITE, from * FOLDER_PAGE, count * FOLDER_PAGE}, with);
}

/* ---- where it begins ---- */

enum state {
    NEW,
    NEW_AND_GROWN,
    SMALL,
    SYNCED,
    WAITING,   /* blocks of it are overwritten, in memory */
    WRITTEN,   /* these are on their way to the disk */
    APPENDED,  /* blocks were added, of which no tag page says anything yet */
    TOLD,      /* and now it does */
    LEFT_OVER, /* what a killed writer leaves */
    STATES,
};

static void load(struct content **c)
{
    content_close(*c);
    assert_int_equal(content_load(c, &rules, 3), 0);
}

static struct content *begin(enum state state)
{
    struct content *c;

    forget_ops();
    memset(now, 0, now_pages * sizeof *now);
    memset(durable, 0, durable_pages * sizeof *durable);
    now_pages = durable_pages = 0;
    memset(&before, 0, sizeof before);
    memset(&synced, 0, sizeof synced);
    if (state == NEW || state == NEW_AND_GROWN) {
        synced.is_none = true;
        assert_int_equal(content_make(&c, &rules, tag), 0);
        if (state == NEW_AND_GROWN)
            have(c, (struct act){RESIZE, 0, 120}, 0);
        return c;
    }
    assert_int_equal(content_create(&c, &rules, 3, tag), 0);
    have(c, (struct act){WRITE, 10, 200}, 1);
    if (state != SMALL) {
        have_blocks(c, 0, 3, 2);
        have_blocks(c, 61, 5, 3);
        have(c, (struct act){WRITE, END - 1000, 1000}, 4);
    }
    have(c, (struct act){SYNC, 0, 0}, 0);
    if (state == SYNCED)
        load(&c);
    if (state == WAITING || state == WRITTEN || state == LEFT_OVER) {
        have_blocks(c, 1, 1, 5);
        have_blocks(c, 62, 3, 6);
    }
    if (state == APPENDED || state == TOLD) {
        have_blocks(c, 3, 4, 7);
        have_blocks(c, 66, 2, 8);
        have(c, (struct act){RESIZE, 0, 198 * FOLDER_PAGE}, 0);
        have(c, (struct act){COMMIT, 0, 0}, 0);
        have_blocks(c, 192, 3, 9);
    }
    if (state == WRITTEN || state == TOLD || state == LEFT_OVER)
        have(c, (struct act){COMMIT, 0, 0}, 0);
    if (state == LEFT_OVER)
        load(&c);
    return c;
}

/* ---- what is there ---- */

static unsigned place[6]; /* for whoever looks for the error */

static void say(const char *what, unsigned block)
{
    print_error("%s, block %u: fast %u, state %u, act %u, call %u, failure %u, then %u\n",
                what, block, place[0], place[1], place[2], place[3], place[4], place[5]);
    assert_true(false);
}

static bool same_block(const struct image *a, const struct image *b, unsigned block)
{
    return memcmp(a->bytes + (size_t)block * FOLDER_PAGE,
                  b->bytes + (size_t)block * FOLDER_PAGE, FOLDER_PAGE) == 0;
}

/* The whole of it into `out`. What is not `promised` may be unreadable: then it is as in `like`. */
static void read_image(struct content *c, struct image *out, uint64_t promised,
                       const struct image *like)
{
    memset(out, 0, sizeof *out);
    out->size = content_size(c);
    for (unsigned i = 0; i < blocks_of(out->size); i++) {
        uint8_t *at = out->bytes + (size_t)i * FOLDER_PAGE;

        if (content_read(c, 3, at, FOLDER_PAGE, (uint64_t)i * FOLDER_PAGE) >= 0)
            continue;
        if ((uint64_t)i * FOLDER_PAGE < promised)
            say("unreadable", i);
        memcpy(at, like->bytes + (size_t)i * FOLDER_PAGE, FOLDER_PAGE);
    }
    memset(out->bytes + out->size, 0, BYTES - out->size);
}

/* Each block of `is`, and its size, is that of one of these. */
static void is_of(const struct image *is, const struct image *const *these, size_t count)
{
    bool good = false;

    for (size_t k = 0; k < count; k++)
        good |= is->size == these[k]->size;
    if (!good)
        say("size", (unsigned)is->size);
    for (unsigned i = 0; i < BLOCKS; i++) {
        static uint8_t cut[FOLDER_PAGE];
        uint64_t at = (uint64_t)i * FOLDER_PAGE;
        size_t len = is->size <= at                ? 0
                     : is->size - at < FOLDER_PAGE ? is->size - at
                                                   : FOLDER_PAGE;

        good = len == 0;
        for (size_t k = 0; k < count && !good; k++)
            good = memcmp(is->bytes + at, these[k]->bytes + at, len) == 0;
        if (!good || memcmp(is->bytes + at + len, cut, FOLDER_PAGE - len) != 0)
            say("content", i);
    }
}

static void is_just(struct content *c, const struct image *wanted)
{
    read_image(c, &found, UINT64_MAX, wanted);
    if (found.size != wanted->size)
        say("size", (unsigned)found.size);
    for (unsigned i = 0; i < BLOCKS; i++)
        if (!same_block(&found, wanted, i))
            say("content", i);
}

/* ---- what comes then ---- */

enum then { COMMITTED, TRIED_AGAIN, KILLED, CUT, OVERWRITTEN };

/* Memory is lost; of what was not synced, any part is there if the power failed (which `fast` is not made for). */
static bool end(struct content *c, bool power)
{
    uint32_t share = random_below(11);

    power &= !rules.fast;
    content_close(c);
    if (power) {
        for (unsigned i = 0; i < op_count; i++)
            if (random_below(10) < share)
                apply(durable, &durable_pages, &ops[i]);
        memcpy(now, durable, sizeof now);
        now_pages = durable_pages;
    }
    forget_ops();
    return power;
}

/* Any of its versions, block by block, and what was synced can be read. */
static void check_end(bool power)
{
    const struct image *const versions[] = {&synced, &before, &after, &seen, &latest};
    uint64_t promised = UINT64_MAX;
    struct content *c;
    int error = content_load(&c, &rules, 3);

    if (synced.is_none && error != 0 && (error == -ENOENT || power))
        return;
    assert_int_equal(error, 0);
    for (size_t k = 0; k < 5 && power; k++)
        if (synced.is_none)
            promised = 0;
        else if (versions[k]->size < promised)
            promised = versions[k]->size;
    read_image(c, &found, promised, &before);
    is_of(&found, versions, 5);
    content_close(c);
}

static void overwrite(struct content *c)
{
    static const struct act again[] = {{WRITE, 0, 2 * FOLDER_PAGE},
                                       {WRITE, 62 * FOLDER_PAGE, 100},
                                       {WRITE, 63 * FOLDER_PAGE, 3 * FOLDER_PAGE},
                                       {WRITE, 128 * FOLDER_PAGE, FOLDER_PAGE},
                                       {WRITE, 192 * FOLDER_PAGE, 2 * FOLDER_PAGE}};

    for (unsigned i = 0; i < sizeof again / sizeof *again; i++) {
        if (again[i].offset + again[i].len > seen.size)
            continue;
        assert_int_equal(perform(c, &again[i], (uint8_t)(100 + i)), 0);
        imagine(&latest, &again[i], (uint8_t)(100 + i));
    }
    is_just(c, &latest);
}

static void overwrite_and_end(struct content *c)
{
    int error;

    overwrite(c);
    calls_left = random_below(8);
    goes_on_failing = true;
    error = content_commit(c, 3, random_below(2));
    goes_on_failing = false;
    calls_left = UINT_MAX;
    is_just(c, &latest);
    if (error == 0) {
        assert_int_equal(content_commit(c, 3, true), 0);
        load(&c);
        is_just(c, &latest);
    }
    check_end(end(c, random_below(2)));
}

static void go_on(struct content *c, enum then then, const struct act *act)
{
    bool bound = content_is_bound(c, tag);

    copy_image(&latest, &seen);
    switch (then) {
    case TRIED_AGAIN:
        assert_int_equal(perform(c, act, 99), 0);
        imagine(&latest, act, 99);
        bound &= act->kind != BIND;
        is_just(c, &latest);
        /* fallthrough */
    case COMMITTED:
        assert_int_equal(content_commit(c, 3, true), 0);
        is_just(c, &latest);
        end(c, true);
        c = NULL;
        load(&c);
        is_just(c, &latest);
        assert_int_equal(content_is_bound(c, tag), bound);
        content_close(c);
        return;
    case KILLED:
    case CUT:
        check_end(end(c, then == CUT));
        return;
    case OVERWRITTEN:
        overwrite_and_end(c);
    }
}

/* False: the act has no such call. */
static bool fail_at(enum state state, const struct act *act, unsigned call, enum then then)
{
    static const struct image *const either[] = {&before, &after};
    struct content *c = begin(state);
    bool failed;
    int error;

    copy_image(&after, &before);
    imagine(&after, act, 99);
    has_failed = false;
    calls_left = call;
    error = perform(c, act, 99);
    calls_left = UINT_MAX;
    failed = has_failed;
    if (!failed || error == 0) { /* or it did not matter */
        assert_int_equal(error, 0);
        is_just(c, &after);
        copy_image(&seen, &after);
    } else {
        read_image(c, &seen, UINT64_MAX, &before);
        is_of(&seen, either, act->kind == WRITE && c->header.is_inline ? 1 : 2);
        if (act->kind == WRITE && seen.size != before.size)
            say("size of a write that was refused", (unsigned)seen.size);
    }
    go_on(c, then, act);
    return failed;
}

static void fail_everywhere(enum state state, unsigned a, bool all)
{
    bool there = true;

    for (unsigned call = 0; there; call++) {
        there = false;
        for (unsigned how = AT_ONCE; how <= WHEN_DONE; how++)
            for (unsigned i = 0; i < (all ? 16 : 6); i++) {
                enum then then = i < OVERWRITTEN ? i : OVERWRITTEN;
                const unsigned numbers[] = {rules.fast, state, a, call, how, then};

                if (!all && random_below(7) > 0 && (how != AT_ONCE || i != 0))
                    continue;
                memcpy(place, numbers, sizeof numbers);
                failure = how;
                there |= fail_at(state, &acts[a], call, then);
            }
    }
}

static void a_failure_leaves_the_old_or_the_new(void **state)
{
    bool all = getenv("KEEPGATE_SOAK");

    (void)state;
    for (int fast = 0; fast < 2; fast++)
        for (unsigned s = 0; s < STATES; s++)
            for (unsigned a = 0; a < sizeof acts / sizeof *acts; a++) {
                rules.fast = fast;
                seed = 1 + s * 100 + a;
                fail_everywhere(s, a, all);
            }
    forget_ops();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_leaves_the_old_or_the_new),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
