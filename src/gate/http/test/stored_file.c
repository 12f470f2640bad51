/* Files that have their name once they are whole. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test/check.h"
#include "gate/http/stored_file.h"

static void paths(void **state)
{
    static const struct {
        struct span path;
        bool fits;
    } cases[] = {
        {SPAN("/a"), true},       {SPAN("/a/b.c"), true}, {SPAN("/a/..b"), true},
        {SPAN("/..a/b.."), true}, {SPAN(""), false},      {SPAN("a/b"), false},
        {SPAN("/a/"), false},     {SPAN("/"), false},     {SPAN("/../a"), false},
        {SPAN("/a/.."), false},   {SPAN("/a\0b"), false}, {SPAN("/a/../b"), false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check((const char *)cases[i].path.at,
              stored_file_is_path(cases[i].path) == cases[i].fits);
}

static char folder[] = "/tmp/gate-stored-XXXXXX";
static char path[128];

static void begin(struct stored_file *file, mode_t access)
{
    snprintf(path, sizeof path, "%s/a/b/c", folder);
    assert_int_equal(stored_file_begin(file, span_text(path), access, NULL), RC_OK);
    assert_int_equal(stored_file_add(file, SPAN("hel"), NULL), RC_OK);
    assert_int_equal(stored_file_add(file, SPAN("lo"), NULL), RC_OK);
}

static void whole_or_not_there(void **state)
{
    const time_t modified = 1700000000;
    struct stored_file file = {0};
    struct stat about;
    char beside[128];

    (void)state;
    assert_non_null(mkdtemp(folder));
    stored_file_clear(&file);
    begin(&file, 0644);
    assert_int_equal(access(path, F_OK), -1);
    snprintf(beside, sizeof beside, "%s", file.temporary);
    assert_int_equal(access(beside, F_OK), 0);
    stored_file_clear(&file);
    assert_int_equal(access(beside, F_OK), -1);

    begin(&file, 0664);
    assert_int_equal(stored_file_end(&file, 0664, &modified, NULL), RC_OK);
    assert_null(file.path);
    stored_file_clear(&file);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_size, 5);
    assert_int_equal(about.st_mode & 07777, 0664);
    assert_int_equal(about.st_mtime, modified);

    begin(&file, 0600); /* what is there is replaced */
    assert_int_equal(stored_file_end(&file, 0600, NULL, NULL), RC_OK);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    assert_true(about.st_mtime > modified);
    *strrchr(path, '/') = '\0';
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0755);
}

static void no_room(void **state)
{
    struct stored_file file = {0};
    struct fault why = {0};

    (void)state;
    assert_int_equal(stored_file_begin(&file, SPAN("/proc/no/such/file"), 0600, &why), RC_IO);
    assert_non_null(strstr(why.text, "open() \"/proc/no/such/file\""));
    assert_null(file.path);
    begin(&file, 0600); /* a folder took its place */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(stored_file_end(&file, 0600, NULL, &why), RC_IO);
    assert_null(file.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test(whole_or_not_there),
        cmocka_unit_test(no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
