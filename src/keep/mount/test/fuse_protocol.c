#include "keep/mount/fuse_protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>

#include "base/test/check.h"
#include "keep/mount/test/asking.h"

enum { SIZE = 64 << 10 };

struct fixture {
    uint8_t bytes[SIZE];
    struct fuse_face face;
    struct asking asking;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    if (!f || !asking_begin(&f->asking,
                            (struct fuse_handler){.answer = fuse_answer, .of = &f->face}))
        return -1;
    f->face = (struct fuse_face){.name = "volume", .owner = 7, .group = 8, .time = 9};
    for (size_t i = 0; i < SIZE; i++)
        f->bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    *state = f;
    return device_open_memory(&f->face.device, f->bytes, SIZE, NULL) == RC_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    device_close(f->face.device);
    asking_end(&f->asking);
    free(f);
    return 0;
}

static void init_agrees_on_what_we_do(void **state)
{
    struct fixture *f = *state;
    struct fuse_init_in in = {.major = 7, .minor = 38, .max_readahead = 131072, .flags = ~0u};

    assert_int_equal(ask(&f->asking, FUSE_INIT, 0, &in, sizeof in, NULL, 0), 0);
    assert_int_equal(f->asking.reply.body.init.max_write, FUSE_PAYLOAD_MAX);
    assert_int_equal(f->asking.reply.body.init.max_pages, 256);
    assert_int_equal(f->asking.reply.body.init.flags & FUSE_WRITEBACK_CACHE, 0);
    in.major = 8;
    assert_int_equal(ask(&f->asking, FUSE_INIT, 0, &in, sizeof in, NULL, 0), 0);
    assert_int_equal(f->asking.reply.body.init.major, 7);
    in.major = 7;
    in.minor = 12;
    assert_int_equal(ask(&f->asking, FUSE_INIT, 0, &in, 16, NULL, 0), -EPROTO);
}

static void the_file_is_found_and_listed(void **state)
{
    struct fixture *f = *state;
    struct fuse_read_in in = {.size = 4096};
    struct fuse_dirent entry;

    assert_int_equal(ask(&f->asking, FUSE_LOOKUP, 1, "volume", 7, NULL, 0), 0);
    assert_int_equal(f->asking.reply.body.entry.nodeid, 2);
    assert_int_equal(f->asking.reply.body.entry.attr.size, SIZE);
    assert_int_equal(f->asking.reply.body.entry.attr.uid, 7);
    assert_int_equal(ask(&f->asking, FUSE_LOOKUP, 1, "other", 6, NULL, 0), -ENOENT);
    assert_int_equal(ask(&f->asking, FUSE_LOOKUP, 1, "volume", 6, NULL, 0), -EINVAL);
    assert_int_equal(ask(&f->asking, FUSE_READDIR, 1, &in, sizeof in, NULL, 0), 0);
    assert_int_equal(f->asking.reply.data_len, 32 + 32 + 32);
    memcpy(&entry, (const uint8_t *)f->asking.reply.data + 64, FUSE_NAME_OFFSET);
    assert_int_equal(entry.namelen, 6);
    in.offset = 2;
    in.size = 31;
    assert_int_equal(ask(&f->asking, FUSE_READDIR, 1, &in, sizeof in, NULL, 0), 0);
    assert_int_equal(f->asking.reply.data_len, 0);
    in.offset = UINT64_MAX;
    assert_int_equal(ask(&f->asking, FUSE_READDIR, 1, &in, sizeof in, NULL, 0), 0);
    assert_int_equal(f->asking.reply.data_len, 0);
}

static const struct {
    const char *what;
    uint64_t offset;
    uint32_t size;
    size_t got;
    int error;
} reads[] = {
    {"all", 0, SIZE, SIZE, 0},
    {"a byte", 77, 1, 1, 0},
    {"over the end", SIZE - 10, 4096, 10, 0},
    {"behind the end", SIZE, 4096, 0, 0},
    {"far behind", UINT64_MAX - 5, 4096, 0, 0},
    {"nothing", 5, 0, 0, 0},
    {"more than a reply holds", 0, FUSE_PAYLOAD_MAX + 1, 0, -EINVAL},
};

static void reads_stay_inside(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        struct fuse_read_in in = {.offset = reads[i].offset, .size = reads[i].size};

        check(reads[i].what,
              ask(&f->asking, FUSE_READ, 2, &in, sizeof in, NULL, 0) == reads[i].error);
        check(reads[i].what, f->asking.reply.data_len == reads[i].got);
        if (reads[i].got > 0)
            check(reads[i].what,
                  memcmp(f->asking.reply.data, f->bytes + reads[i].offset, reads[i].got) == 0);
    }
}

static const struct {
    const char *what;
    uint64_t offset;
    uint32_t size, sent, written;
    int error;
} writes[] = {
    {"a few bytes", 100, 16, 16, 16, 0},
    {"up to the end", SIZE - 16, 16, 16, 16, 0},
    {"over the end", SIZE - 4, 16, 16, 4, 0},
    {"at the end", SIZE, 16, 16, 0, -ENOSPC},
    {"far behind", UINT64_MAX, 16, 16, 0, -ENOSPC},
    {"more than was sent", 0, 17, 16, 0, -EINVAL},
    {"a size that lies", 0, UINT32_MAX, 16, 0, -EINVAL},
};

static void writes_stay_inside(void **state)
{
    static const uint8_t sixteen[16] = "0123456789abcde";
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
        struct fuse_write_in in = {.offset = writes[i].offset, .size = writes[i].size};

        check(writes[i].what, ask(&f->asking, FUSE_WRITE, 2, &in, sizeof in, sixteen,
                                  writes[i].sent) == writes[i].error);
        if (writes[i].error != 0)
            continue;
        check(writes[i].what, f->asking.reply.body.write.size == writes[i].written);
        check(writes[i].what,
              memcmp(f->bytes + writes[i].offset, sixteen, writes[i].written) == 0);
    }
}

static void what_would_change_the_file_is_refused(void **state)
{
    struct fixture *f = *state;
    struct fuse_setattr_in set = {.valid = FATTR_SIZE, .size = SIZE - 1};
    struct fuse_open_in open = {.flags = O_RDWR};
    struct fuse_fallocate_in hole = {.length = 4096,
                                     .mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE};

    assert_int_equal(ask(&f->asking, FUSE_SETATTR, 2, &set, sizeof set, NULL, 0), -EPERM);
    set.size = SIZE;
    assert_int_equal(ask(&f->asking, FUSE_SETATTR, 2, &set, sizeof set, NULL, 0), 0);
    assert_int_equal(ask(&f->asking, FUSE_UNLINK, 1, "volume", 7, NULL, 0), -EPERM);
    assert_int_equal(ask(&f->asking, FUSE_FALLOCATE, 2, &hole, sizeof hole, NULL, 0),
                     -EOPNOTSUPP);
    assert_int_equal(ask(&f->asking, FUSE_OPEN, 1, &open, sizeof open, NULL, 0), -EISDIR);
    f->face.device->read_only = true;
    assert_int_equal(ask(&f->asking, FUSE_OPEN, 2, &open, sizeof open, NULL, 0), -EROFS);
    open.flags = O_RDONLY;
    assert_int_equal(ask(&f->asking, FUSE_OPEN, 2, &open, sizeof open, NULL, 0), 0);
}

/* Whatever the kernel sends, cut anywhere, has an answer or none, and touches nothing beyond.
 */
static void requests_cut_short_are_answered(void **state)
{
    struct fixture *f = *state;

    for (uint32_t opcode = 0; opcode < 60; opcode++) {
        for (size_t len = 0; len < 160; len++) {
            struct fuse_in_header head = {
                .len = (uint32_t)len, .opcode = opcode, .unique = 1, .nodeid = 2};
            uint8_t *cut = malloc(len + 1);

            assert_non_null(cut);
            memset(cut, 0, len);
            memcpy(cut, &head, len < sizeof head ? len : sizeof head);
            if (fuse_answer(&f->face, cut, len, f->asking.room, &f->asking.reply) == RC_OK)
                assert_true(len >= sizeof head);
            else
                assert_true(len < sizeof head);
            free(cut);
        }
    }
}

static void a_wrong_length_or_node_is_no_request(void **state)
{
    struct fixture *f = *state;
    struct fuse_in_header head = {.len = 41, .opcode = FUSE_STATFS};

    assert_int_equal(
        fuse_answer(&f->face, &head, sizeof head, f->asking.room, &f->asking.reply),
        RC_FORMAT);
    assert_int_equal(ask(&f->asking, FUSE_GETATTR, 3, f->bytes, 16, NULL, 0), -ESTALE);
    assert_int_equal(ask(&f->asking, FUSE_FORGET, 3, f->bytes, 8, NULL, 0), 0);
    assert_true(f->asking.reply.silent);
    assert_int_equal(ask(&f->asking, 4096, 1, NULL, 0, NULL, 0), -ENOSYS);
}

static void one_ioctl_is_known(void **state)
{
    struct fixture *f = *state;
    struct fuse_ioctl_in in = {.cmd = FUSE_FACE_FOLLOW, .in_size = sizeof(uint64_t)};
    uint64_t bottom = SIZE;

    assert_int_equal(ask(&f->asking, FUSE_IOCTL, 2, &in, sizeof in, &bottom, sizeof bottom),
                     -EOPNOTSUPP); /* memory has the size that it has */
    assert_int_equal(ask(&f->asking, FUSE_IOCTL, 2, &in, sizeof in, &bottom, 7), -EINVAL);
    assert_int_equal(ask(&f->asking, FUSE_IOCTL, 1, &in, sizeof in, &bottom, sizeof bottom),
                     -ENOTTY);
    in.cmd++;
    assert_int_equal(ask(&f->asking, FUSE_IOCTL, 2, &in, sizeof in, &bottom, sizeof bottom),
                     -ENOTTY);
    assert_int_equal(atomic_load(&f->face.lost), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(init_agrees_on_what_we_do, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_file_is_found_and_listed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_stay_inside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writes_stay_inside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_would_change_the_file_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_ioctl_is_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(requests_cut_short_are_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_length_or_node_is_no_request, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
