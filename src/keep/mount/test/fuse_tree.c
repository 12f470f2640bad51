#include "keep/mount/fuse_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test/check.h"
#include "keep/mount/test/asking.h"
#include "keep/tree/pass/pass.h"

/* A directory that is passed through, asked as the kernel asks. */
struct fixture {
    char path[64];
    struct fuse_tree face;
    struct asking asking;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    if (!f || !asking_begin(&f->asking,
                            (struct fuse_handler){.answer = fuse_tree_answer, .of = &f->face}))
        return -1;
    strcpy(f->path, "/tmp/keepgate-face-XXXXXX");
    f->face.lifetime = 60;
    *state = f;
    return mkdtemp(f->path) && pass_open(&f->face.tree, f->path, false, NULL) == RC_OK ? 0
                                                                                       : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];

    f->face.tree->kind->close(f->face.tree);
    snprintf(command, sizeof command, "rm -rf %s", f->path);
    if (system(command) != 0)
        return -1;
    asking_end(&f->asking);
    free(f);
    return 0;
}

static uint64_t create(struct fixture *f, const char *name, uint32_t mode, uint32_t mask,
                       uint64_t *file)
{
    struct fuse_create_in in = {.flags = O_CREAT | O_WRONLY, .mode = mode, .umask = mask};
    struct fuse_open_out out;

    assert_int_equal(ask(&f->asking, FUSE_CREATE, 1, &in, sizeof in, name, strlen(name) + 1),
                     0);
    assert_int_equal(f->asking.reply.body_len, sizeof(struct fuse_entry_out) + sizeof out);
    memcpy(&out, f->asking.reply.body.bytes + sizeof(struct fuse_entry_out), sizeof out);
    *file = out.fh;
    return f->asking.reply.body.entry.nodeid;
}

static void init_takes_what_is_offered(void **state)
{
    struct fixture *f = *state;
    struct fuse_init_in in = {.major = 7, .minor = 38, .max_readahead = 4096};

    in.flags = ~(uint32_t)FUSE_SETXATTR_EXT;
    assert_int_equal(ask(&f->asking, FUSE_INIT, 0, &in, sizeof in, NULL, 0), 0);
    assert_true(f->asking.reply.body.init.flags & FUSE_WRITEBACK_CACHE);
    assert_false(f->asking.reply.body.init.flags & FUSE_POSIX_LOCKS);
    assert_true(f->face.short_setxattr);
    in.flags = FUSE_BIG_WRITES;
    assert_int_equal(ask(&f->asking, FUSE_INIT, 0, &in, sizeof in, NULL, 0), 0);
    assert_int_equal(f->asking.reply.body.init.flags, FUSE_BIG_WRITES);
    in.minor = 12;
    assert_int_equal(ask(&f->asking, FUSE_INIT, 0, &in, sizeof in, NULL, 0), -EPROTO);
    in.major = 8;
    assert_int_equal(ask(&f->asking, FUSE_INIT, 0, &in, sizeof in, NULL, 0), 0);
    assert_int_equal(f->asking.reply.body.init.major, 7);
}

static void names_are_what_a_directory_may_hold(void **state)
{
    struct fixture *f = *state;
    char longest[300];

    memset(longest, 'x', sizeof longest);
    longest[256] = '\0';
    assert_int_equal(ask(&f->asking, FUSE_LOOKUP, 1, longest, 257, NULL, 0), -ENAMETOOLONG);
    longest[255] = '\0';
    assert_int_equal(ask(&f->asking, FUSE_LOOKUP, 1, longest, 256, NULL, 0), 0);
    assert_int_equal(f->asking.reply.body.entry.nodeid,
                     0); /* not there, and may be kept in mind */
    assert_int_equal(f->asking.reply.body.entry.entry_valid, 60);
    f->face.lifetime = 0;
    assert_int_equal(ask(&f->asking, FUSE_LOOKUP, 1, "x", 2, NULL, 0), -ENOENT);
    assert_int_equal(ask(&f->asking, FUSE_LOOKUP, 1, "x", 1, NULL, 0), -EINVAL);
    assert_int_equal(ask(&f->asking, FUSE_LOOKUP, 1, "", 1, NULL, 0), -EINVAL);
    assert_int_equal(ask(&f->asking, FUSE_LOOKUP, 1, "..", 3, NULL, 0), -EINVAL);
    assert_int_equal(ask(&f->asking, FUSE_LOOKUP, 1, "a/b", 4, NULL, 0), -EINVAL);
    assert_int_equal(ask(&f->asking, FUSE_LOOKUP, 77, "x", 2, NULL, 0), -ESTALE);
}

static void the_umask_is_the_callers(void **state)
{
    struct fixture *f = *state;
    uint64_t file;

    (void)create(f, "a", 0666, 027, &file);
    assert_int_equal(f->asking.reply.body.entry.attr.mode, S_IFREG | 0640);
    (void)create(f, "b", 0666, 0, &file);
    assert_int_equal(f->asking.reply.body.entry.attr.mode, S_IFREG | 0666);
}

static void bytes_come_back(void **state)
{
    struct fixture *f = *state;
    uint64_t file, node = create(f, "a", 0600, 0, &file);
    struct fuse_write_in write = {.fh = file, .offset = 3, .size = 5};
    struct fuse_read_in read = {.fh = file, .size = 100};

    assert_int_equal(ask(&f->asking, FUSE_WRITE, node, &write, sizeof write, "hello", 5), 0);
    assert_int_equal(f->asking.reply.body.write.size, 5);
    assert_int_equal(ask(&f->asking, FUSE_WRITE, node, &write, sizeof write, "hell", 4),
                     -EINVAL);
    write.offset = INT64_MAX - 2;
    assert_int_equal(ask(&f->asking, FUSE_WRITE, node, &write, sizeof write, "hello", 5),
                     -EFBIG);
    assert_int_equal(ask(&f->asking, FUSE_READ, node, &read, sizeof read, NULL, 0), 0);
    assert_int_equal(f->asking.reply.data_len, 8);
    assert_memory_equal(f->asking.reply.data, "\0\0\0hello", 8);
    read.size = FUSE_PAYLOAD_MAX + 1;
    assert_int_equal(ask(&f->asking, FUSE_READ, node, &read, sizeof read, NULL, 0), -EINVAL);
    read.fh = 0;
    assert_int_equal(ask(&f->asking, FUSE_READ, node, &read, sizeof read, NULL, 0), -EBADF);
    assert_int_equal(ask(&f->asking, FUSE_LSEEK, node, &read, sizeof read, NULL, 0), -ENOSYS);
    assert_int_equal(ask(&f->asking, FUSE_FLUSH, node, &read, sizeof read, NULL, 0), -ENOSYS);
}

static void a_write_may_take_the_set_user_bit(void **state)
{
    struct fixture *f = *state;
    uint64_t file, node = create(f, "a", 04755, 0, &file);
    struct fuse_write_in write = {
        .fh = file, .size = 1, .write_flags = FUSE_WRITE_KILL_SUIDGID};
    struct fuse_getattr_in get = {0};

    assert_int_equal(ask(&f->asking, FUSE_WRITE, node, &write, sizeof write, "x", 1), 0);
    assert_int_equal(ask(&f->asking, FUSE_GETATTR, node, &get, sizeof get, NULL, 0), 0);
    assert_int_equal(f->asking.reply.body.attr.attr.mode, S_IFREG | 0755);
}

/* Reads the directory in pieces of `size` bytes; gives how many entries there were. */
static unsigned list(struct fixture *f, uint32_t opcode, uint32_t size)
{
    struct fuse_open_in open = {0};
    struct fuse_read_in read = {.size = size};
    unsigned count = 0;

    assert_int_equal(ask(&f->asking, FUSE_OPENDIR, 1, &open, sizeof open, NULL, 0), 0);
    read.fh = f->asking.reply.body.open.fh;
    for (;;) {
        size_t head = opcode == FUSE_READDIRPLUS ? sizeof(struct fuse_entry_out) : 0, at = 0;

        assert_int_equal(ask(&f->asking, opcode, 1, &read, sizeof read, NULL, 0), 0);
        assert_true(f->asking.reply.data_len <= size);
        if (f->asking.reply.data_len == 0)
            break;
        while (at < f->asking.reply.data_len) {
            struct fuse_dirent entry;

            memcpy(&entry, (const uint8_t *)f->asking.reply.data + at + head,
                   FUSE_NAME_OFFSET);
            at += head + FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + entry.namelen);
            read.offset = entry.off;
            count++;
        }
    }
    assert_int_equal(ask(&f->asking, FUSE_RELEASEDIR, 1,
                         &(struct fuse_release_in){.fh = read.fh},
                         sizeof(struct fuse_release_in), NULL, 0),
                     0);
    return count;
}

static void directories_are_read_in_pieces(void **state)
{
    struct fixture *f = *state;
    uint64_t file;
    char name[16];

    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "file-%u", i);
        (void)create(f, name, 0600, 0, &file);
        assert_int_equal(ask(&f->asking, FUSE_RELEASE, f->asking.reply.body.entry.nodeid,
                             &(struct fuse_release_in){.fh = file},
                             sizeof(struct fuse_release_in), NULL, 0),
                         0);
    }
    for (uint32_t size = 200; size < 20000; size += 777) {
        assert_int_equal(list(f, FUSE_READDIR, size), 102);
        assert_int_equal(list(f, FUSE_READDIRPLUS, size), 102);
    }
}

static void what_is_forgotten_is_unknown(void **state)
{
    struct fixture *f = *state;
    uint64_t file, node = create(f, "a", 0600, 0, &file);
    struct fuse_forget_one one[] = {{.nodeid = node, .nlookup = 1},
                                    {.nodeid = 99, .nlookup = 1}};
    struct fuse_batch_forget_in in = {.count = 1000}; /* more than there are */
    struct fuse_getattr_in get = {0};

    (void)ask(&f->asking, FUSE_RELEASE, node, &(struct fuse_release_in){.fh = file},
              sizeof(struct fuse_release_in), NULL, 0);
    (void)ask(&f->asking, FUSE_BATCH_FORGET, 0, &in, sizeof in, one, sizeof one);
    assert_true(f->asking.reply.silent);
    assert_int_equal(ask(&f->asking, FUSE_GETATTR, node, &get, sizeof get, NULL, 0), -ESTALE);
}

static void a_tree_that_is_read_only_stays_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct fuse_open_in open = {.flags = O_RDWR};
    uint64_t file, node = create(f, "a", 0600, 0, &file);

    f->face.tree->read_only = true;
    assert_int_equal(ask(&f->asking, FUSE_UNLINK, 1, "a", 2, NULL, 0), -EROFS);
    assert_int_equal(ask(&f->asking, FUSE_OPEN, node, &open, sizeof open, NULL, 0), -EROFS);
    open.flags = O_RDONLY;
    assert_int_equal(ask(&f->asking, FUSE_OPEN, node, &open, sizeof open, NULL, 0), 0);
}

static void what_is_cut_short_is_refused(void **state)
{
    struct fixture *f = *state;
    struct fuse_in_header head = {.len = 4096, .opcode = FUSE_GETATTR, .nodeid = 1};

    assert_int_equal(ask(&f->asking, FUSE_GETATTR, 1, "1234567", 7, NULL, 0), -EINVAL);
    assert_int_equal(ask(&f->asking, FUSE_SYMLINK, 1, "a\0b", 3, NULL, 0), -EINVAL);
    assert_int_equal(ask(&f->asking, FUSE_RENAME2, 1, "0123456789012345a\0b", 19, NULL, 0),
                     -EINVAL);
    assert_int_equal(ask(&f->asking, 4096, 1, NULL, 0, NULL, 0), -ENOSYS);
    assert_int_equal(
        fuse_tree_answer(&f->face, &head, sizeof head, f->asking.room, &f->asking.reply),
        RC_FORMAT);
    assert_int_equal(fuse_tree_answer(&f->face, &head, 7, f->asking.room, &f->asking.reply),
                     RC_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(init_takes_what_is_offered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_are_what_a_directory_may_hold, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_umask_is_the_callers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytes_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_write_may_take_the_set_user_bit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(directories_are_read_in_pieces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_forgotten_is_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_tree_that_is_read_only_stays_as_it_is, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_cut_short_is_refused, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
