#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/scoped.h"
#include "base/test/check.h"
#include "gate/respond/file_cache.h"

static char folder[] = "/tmp/keepgate-files-XXXXXX";

static const char *at(const char *name)
{
    static char path[2][96];
    static unsigned turn;

    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static void put(const char *name, const char *text)
{
    int fd = open(at(name), O_CREAT | O_WRONLY | O_TRUNC, 0644);

    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* What can be read there now: NULL with errno where nothing can. */
static const char *get(const struct file_way *way, const char *name)
{
    static char text[64];
    struct file_entry *held;
    struct stat found;
    ssize_t len;
    int fd;

    if (file_way_open(way, at(name), &found, &fd, &held) < 0)
        return NULL;
    len = pread(fd, text, sizeof text - 1, 0);
    text[len > 0 ? len : 0] = '\0';
    file_way_close(fd, held);
    return text;
}

struct fixture {
    struct arena arena;
    struct file_caches caches;
    struct file_way way;
};

static int begin(void **state)
{
    static struct fixture f;

    f = (struct fixture){0};
    f.way = (struct file_way){.cache = file_caches_add(&f.caches, 2, 60000, &f.arena),
                              .valid_ms = 60000,
                              .min_uses = 1};
    *state = &f;
    return f.way.cache ? 0 : -1;
}

static int end(void **state)
{
    struct fixture *f = *state;

    file_caches_clear(&f->caches);
    arena_clear(&f->arena);
    return 0;
}

static void what_is_known_is_not_looked_at(void **state)
{
    struct fixture *f = *state;
    struct stat found;

    put("a", "one");
    assert_string_equal(get(&f->way, "a"), "one");
    assert_int_equal(unlink(at("a")), 0);
    assert_string_equal(get(&f->way, "a"), "one");
    assert_int_equal(file_way_stat(&f->way, at("a"), &found), 0);
    assert_int_equal(found.st_size, 3);
    f->way.valid_ms = 0;
    assert_null(get(&f->way, "a"));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(file_way_stat(&f->way, at("a"), &found), -1);
}

static void a_new_file_is_found_when_it_is_time(void **state)
{
    struct fixture *f = *state;

    put("b", "one");
    assert_string_equal(get(&f->way, "b"), "one");
    put("b.new", "two");
    assert_int_equal(rename(at("b.new"), at("b")), 0);
    assert_string_equal(get(&f->way, "b"), "one");
    f->way.valid_ms = 0;
    assert_string_equal(get(&f->way, "b"), "two");
    put("b", "three"); /* the same file, with other bytes */
    assert_string_equal(get(&f->way, "b"), "three");
}

static void there_is_room_for_so_many(void **state)
{
    struct fixture *f = *state;

    for (char name[] = "c"; name[0] <= 'e'; name[0]++) {
        put(name, name);
        assert_string_equal(get(&f->way, name), name);
        unlink(at(name));
    }
    assert_null(get(&f->way, "c"));
    assert_string_equal(get(&f->way, "e"), "e");
    assert_string_equal(get(&f->way, "d"), "d");
}

static void one_that_is_sent_stays_open(void **state)
{
    struct fixture *f = *state;
    struct file_entry *held;
    struct stat found;
    char byte;
    int fd;

    put("f", "f");
    assert_int_equal(file_way_open(&f->way, at("f"), &found, &fd, &held), 0);
    assert_non_null(held);
    for (char name[] = "g"; name[0] <= 'i'; name[0]++) {
        put(name, name);
        assert_string_equal(get(&f->way, name), name);
    }
    assert_int_equal(pread(fd, &byte, 1, 0), 1);
    file_way_close(fd, held);
    assert_int_equal(pread(fd, &byte, 1, 0), -1); /* forgotten long ago: that was the last */
}

static void some_have_to_be_asked_for_more_often(void **state)
{
    struct fixture *f = *state;
    struct file_entry *held;
    struct stat found;
    int fd;

    put("k", "k");
    f->way.min_uses = 2;
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(file_way_open(&f->way, at("k"), &found, &fd, &held), 0);
        assert_int_equal(held != NULL, i >= 2);
        file_way_close(fd, held);
    }
}

static void what_is_missing_is_remembered_on_demand(void **state)
{
    struct fixture *f = *state;

    assert_null(get(&f->way, "m"));
    put("m", "m");
    assert_string_equal(get(&f->way, "m"), "m");
    f->way.errors = true;
    assert_null(get(&f->way, "n"));
    put("n", "n");
    assert_null(get(&f->way, "n"));
    assert_int_equal(errno, ENOENT);
}

static void folders_are_known_too(void **state)
{
    struct fixture *f = *state;
    struct file_entry *held;
    struct stat found;
    int fd;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(file_way_open(&f->way, folder, &found, &fd, &held), 0);
        assert_true(S_ISDIR(found.st_mode) && fd < 0 && !held);
        assert_int_equal(file_way_stat(&f->way, folder, &found), 0);
    }
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    for (char name[] = "a"; name[0] <= 'z'; name[0]++)
        unlink(at(name));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_known_is_not_looked_at, begin, end),
        cmocka_unit_test_setup_teardown(a_new_file_is_found_when_it_is_time, begin, end),
        cmocka_unit_test_setup_teardown(there_is_room_for_so_many, begin, end),
        cmocka_unit_test_setup_teardown(one_that_is_sent_stays_open, begin, end),
        cmocka_unit_test_setup_teardown(some_have_to_be_asked_for_more_often, begin, end),
        cmocka_unit_test_setup_teardown(what_is_missing_is_remembered_on_demand, begin, end),
        cmocka_unit_test_setup_teardown(folders_are_known_too, begin, end),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
