#include "keep/tree/nodes.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/test/check.h"
#include "keep/tree/tree.h"

struct fixture {
    char path[64];
    int at;
    struct nodes *nodes;
    struct node *root;
};

static unsigned dropped;

static void drop(void *kept)
{
    free(kept);
    dropped++;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    if (!f)
        return -1;
    strcpy(f->path, "/tmp/keepgate-nodes-XXXXXX");
    if (!mkdtemp(f->path) || (f->at = open(f->path, O_RDONLY | O_DIRECTORY)) < 0)
        return -1;
    if (nodes_open(&f->nodes, dup(f->at), drop, NULL) != RC_OK)
        return -1;
    f->root = nodes_get(f->nodes, TREE_ROOT);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];

    nodes_put(f->nodes, f->root);
    nodes_close(f->nodes);
    close(f->at);
    snprintf(command, sizeof command, "rm -rf %s", f->path);
    if (system(command) != 0)
        return -1;
    free(f);
    return 0;
}

static int touch(int at, const char *name, const char *text)
{
    int fd = openat(at, name, O_CREAT | O_RDWR, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

/* As the kernel does it: one more look-up, and its number. */
static uint64_t look_up(struct fixture *f, struct node *directory, const char *name)
{
    struct stat about;
    struct node *node;
    uint64_t id;
    int at = nodes_enter(f->nodes, directory, NODES_READ);

    assert_true(at >= 0);
    assert_int_equal(fstatat(at, name, &about, AT_SYMLINK_NOFOLLOW), 0);
    node = nodes_add(f->nodes, directory, name, &about, 1);
    nodes_exit(f->nodes, directory);
    assert_non_null(node);
    id = node->id;
    nodes_put(f->nodes, node);
    return id;
}

static void expect_place(struct fixture *f, uint64_t id, const char *name)
{
    struct node *node = nodes_get(f->nodes, id);
    struct node_place place;

    assert_non_null(node);
    assert_int_equal(nodes_find(f->nodes, node, &place), 0);
    assert_string_equal(place.name, name);
    nodes_leave(f->nodes, &place);
    nodes_put(f->nodes, node);
}

static void move(struct fixture *f, struct node *from, const char *name, struct node *to,
                 const char *new_name, unsigned flags)
{
    int at[2];

    assert_int_equal(nodes_enter_both(f->nodes, from, to, at), 0);
    assert_int_equal(renameat2(at[0], name, at[1], new_name, flags), 0);
    assert_int_equal(
        nodes_renamed(f->nodes, from, name, to, new_name, flags & RENAME_EXCHANGE), 0);
    nodes_exit_both(f->nodes, from, to);
}

static void delete (struct fixture *f, struct node *directory, const char *name)
{
    int at = nodes_enter(f->nodes, directory, NODES_CHANGE);

    assert_true(at >= 0);
    assert_int_equal(unlinkat(at, name, 0), 0);
    nodes_removed(f->nodes, directory, name);
    nodes_exit(f->nodes, directory);
}

static void look_ups_are_counted(void **state)
{
    struct fixture *f = *state;
    struct node *node;
    uint64_t id;

    close(touch(f->at, "a", "x"));
    id = look_up(f, f->root, "a");
    assert_int_equal(look_up(f, f->root, "a"), id);
    node = nodes_get(f->nodes, id);
    node->kept = malloc(1);
    nodes_put(f->nodes, node);
    nodes_forget(f->nodes, id, 1);
    expect_place(f, id, "a");
    dropped = 0;
    nodes_forget(f->nodes, id, 7); /* a kernel that counts wrong does no harm */
    assert_int_equal(dropped, 1);
    assert_null(nodes_get(f->nodes, id));
    assert_null(nodes_named(f->nodes, f->root, "a"));
    assert_int_not_equal(look_up(f, f->root, "a"), id);
    assert_null(nodes_get(f->nodes, 0));
    assert_null(nodes_get(f->nodes, UINT64_MAX));
}

static void hard_links_are_one_node(void **state)
{
    struct fixture *f = *state;
    uint64_t id;

    close(touch(f->at, "a", "x"));
    assert_int_equal(linkat(f->at, "a", f->at, "b", 0), 0);
    id = look_up(f, f->root, "a");
    assert_int_equal(look_up(f, f->root, "b"), id);
    delete (f, f->root, "b");
    expect_place(f, id, "a");
    delete (f, f->root, "a");
    close(touch(f->at, "a", "y")); /* may have the same inode number */
    assert_int_not_equal(look_up(f, f->root, "a"), id);
}

static void renames_are_followed(void **state)
{
    struct fixture *f = *state;
    uint64_t a, b, d;
    struct node *directory;

    close(touch(f->at, "a", "x"));
    close(touch(f->at, "b", "y"));
    assert_int_equal(mkdirat(f->at, "d", 0700), 0);
    a = look_up(f, f->root, "a");
    b = look_up(f, f->root, "b");
    d = look_up(f, f->root, "d");
    directory = nodes_get(f->nodes, d);
    move(f, f->root, "a", f->root, "b", RENAME_EXCHANGE);
    expect_place(f, a, "b");
    expect_place(f, b, "a");
    move(f, f->root, "b", directory, "c", 0);
    expect_place(f, a, "c");
    move(f, f->root, "d", f->root, "e", 0);
    expect_place(f, a, "c");
    move(f, f->root, "a", directory, "c", 0); /* replaces the first */
    expect_place(f, b, "c");
    nodes_forget(f->nodes, d, 1); /* kept by its child */
    nodes_put(f->nodes, directory);
    expect_place(f, b, "c");
    nodes_forget(f->nodes, b, 1);
    assert_null(nodes_get(f->nodes, d));
}

static void unlinked_files_stay_open(void **state)
{
    struct fixture *f = *state;
    struct node_place place;
    struct node *node;
    uint64_t id;
    char byte;

    close(touch(f->at, "a", "x"));
    id = look_up(f, f->root, "a");
    node = nodes_get(f->nodes, id);
    assert_int_equal(nodes_share_file(f->nodes, node), -EBADF);
    assert_int_equal(nodes_open_file(f->nodes, node, false), 0);
    delete (f, f->root, "a");
    assert_int_equal(nodes_find(f->nodes, node, &place), -ESTALE);
    assert_int_equal(pread(node->fd, &byte, 1, 0), 1);
    assert_int_equal(pwrite(node->fd, "z", 1, 0), -1);
    assert_int_equal(nodes_open_file(f->nodes, node, true),
                     0); /* through the one that is open */
    assert_int_equal(pwrite(node->fd, "z", 1, 0), 1);
    nodes_release_file(f->nodes, node);
    nodes_release_file(f->nodes, node);
    assert_int_equal(nodes_open_file(f->nodes, node, false), -ESTALE);
    nodes_put(f->nodes, node);
    nodes_forget(f->nodes, id, 1);
    assert_null(nodes_get(f->nodes, id));
}

/* Two that are open are one, as long as a name may lead to the second. */
static void open_files_are_known_by_other_names(void **state)
{
    struct fixture *f = *state;
    struct node *node;
    uint64_t id;

    close(touch(f->at, "a", "x"));
    assert_int_equal(linkat(f->at, "a", f->at, "b", 0), 0);
    id = look_up(f, f->root, "a");
    node = nodes_get(f->nodes, id);
    assert_int_equal(nodes_open_file(f->nodes, node, true), 0);
    delete (f, f->root, "a");
    assert_int_equal(look_up(f, f->root, "b"), id);
    nodes_release_file(f->nodes, node);
    nodes_put(f->nodes, node);
    expect_place(f, id, "b");
}

static void protected_files_open_for_their_owner(void **state)
{
    struct fixture *f = *state;
    struct stat about;
    struct node *node;

    close(touch(f->at, "a", "x"));
    assert_int_equal(fchmodat(f->at, "a", 0200, 0), 0);
    node = nodes_get(f->nodes, look_up(f, f->root, "a"));
    assert_int_equal(nodes_open_file(f->nodes, node, true), 0);
    nodes_release_file(f->nodes, node);
    nodes_put(f->nodes, node);
    assert_int_equal(fstatat(f->at, "a", &about, 0), 0);
    assert_int_equal(about.st_mode & 07777, 0200);
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;

    for (int fd = 0; fd < 4096; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* Deep and wide: more directories than there may be descriptors. */
static void few_directories_are_open(void **state)
{
    struct rlimit limit, narrow = {.rlim_cur = 64};
    unsigned before = open_descriptors();
    struct node *chain[200];
    struct nodes *nodes;
    struct fixture *f = *state, inner = *f;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    narrow.rlim_max = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &narrow), 0);
    assert_int_equal(nodes_open(&nodes, dup(f->at), NULL, NULL), RC_OK);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    inner.nodes = nodes;
    inner.root = nodes_get(nodes, TREE_ROOT);
    chain[0] = inner.root;
    for (size_t i = 1; i < 200; i++) {
        int at = nodes_enter(nodes, chain[i - 1], NODES_CHANGE);

        assert_true(at >= 0);
        assert_int_equal(mkdirat(at, "deeper", 0700), 0);
        nodes_exit(nodes, chain[i - 1]);
        chain[i] = nodes_get(nodes, look_up(&inner, chain[i - 1], "deeper"));
        if (i > 1)
            nodes_put(nodes, chain[i - 1]);
    }
    assert_in_range(open_descriptors(), before, before + 1 + 16 + 1);
    move(&inner, chain[0], "deeper", chain[0], "moved", 0);
    assert_true(nodes_directory(nodes, chain[199]) >= 0);
    assert_true(nodes_directory(nodes, chain[1]) >=
                0); /* closed before, and kept by its child */
    assert_int_equal(unlinkat(nodes_directory(nodes, chain[198]), "deeper", AT_REMOVEDIR), 0);
    nodes_put(nodes, chain[199]);
    nodes_put(nodes, inner.root);
    nodes_close(nodes);
    assert_int_equal(open_descriptors(), before);
}

struct race {
    struct fixture *f;
    uint64_t id;
    _Atomic bool over;
    unsigned lost;
};

static void *keep_finding(void *of)
{
    struct race *race = of;
    struct stat about;

    while (!race->over) {
        struct node *node = nodes_get(race->f->nodes, race->id);
        struct node_place place;

        if (nodes_find(race->f->nodes, node, &place) != 0) {
            race->lost++;
        } else {
            race->lost +=
                fstatat(place.at, place.name, &about, 0) != 0 || about.st_ino != node->inode;
            nodes_leave(race->f->nodes, &place);
        }
        nodes_put(race->f->nodes, node);
    }
    return NULL;
}

static void a_moving_file_is_always_found(void **state)
{
    struct fixture *f = *state;
    struct race race = {.f = f};
    struct node *directory;
    pthread_t thread;

    close(touch(f->at, "a", "x"));
    assert_int_equal(mkdirat(f->at, "d", 0700), 0);
    race.id = look_up(f, f->root, "a");
    directory = nodes_get(f->nodes, look_up(f, f->root, "d"));
    assert_int_equal(pthread_create(&thread, NULL, keep_finding, &race), 0);
    for (unsigned i = 0; i < 2000; i++) {
        move(f, f->root, "a", directory, "b", 0);
        move(f, directory, "b", f->root, "a", 0);
    }
    race.over = true;
    pthread_join(thread, NULL);
    assert_int_equal(race.lost, 0);
    nodes_put(f->nodes, directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(look_ups_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hard_links_are_one_node, set_up, tear_down),
        cmocka_unit_test_setup_teardown(renames_are_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unlinked_files_stay_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(open_files_are_known_by_other_names, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(protected_files_open_for_their_owner, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(few_directories_are_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_moving_file_is_always_found, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
