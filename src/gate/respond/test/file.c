#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test/check.h"
#include "gate/respond/file.h"

static const struct {
    const char *what, *root, *path;
    size_t replaced;
    const char *result; /* NULL: refused */
} paths[] = {
    {"root", "/srv", "/a/b.html", 0, "/srv/a/b.html"},
    {"alias", "/srv/x/", "/i/b.html", 3, "/srv/x/b.html"},
    {"alias without a slash", "/srv/x", "/ib", 2, "/srv/xb"},
    {"alias of one file", "/srv/x", "/i", 2, "/srv/x"},
    {"dots in names", "/srv", "/..a/b../...", 0, "/srv/..a/b../..."},
    {"up", "/srv", "/../etc/passwd", 0, NULL},
    {"up at the end", "/srv", "/a/..", 0, NULL},
    {"up across an alias", "/srv/x/", "/i../secret", 2, NULL},
    {"more replaced than there is", "/srv", "/i", 3, NULL},
    {"too long", "/0123456789012345678901234567890123456789", "/01234567890123456789", 0,
     NULL},
};

static void paths_lead_below_the_root(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char at[48];
        struct buffer out = buffer_over(at, sizeof at);
        bool ok = file_path(span_text(paths[i].root), paths[i].replaced,
                            span_text(paths[i].path), &out);

        check(paths[i].what, ok == (paths[i].result != NULL));
        if (ok)
            check(paths[i].what, strcmp(at, paths[i].result) == 0);
    }
}

static void a_nul_is_refused(void **state)
{
    char at[48];
    struct buffer out = buffer_over(at, sizeof at);

    (void)state;
    assert_false(file_path(SPAN("/srv"), 0, SPAN("/a\0b"), &out));
    out = buffer_over(at, sizeof at);
    assert_false(file_path(SPAN("/s\0rv"), 0, SPAN("/a"), &out));
}

/* A folder with a bit of everything. */
struct fixture {
    char folder[32], path[PATH_MAX];
};

static char *at(struct fixture *f, const char *name)
{
    snprintf(f->path, sizeof f->path, "%s/%s", f->folder, name);
    return f->path;
}

static void write_file(struct fixture *f, const char *name, const char *text)
{
    FILE *file = fopen(at(f, name), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int open_fixture(void **state)
{
    static struct fixture f;

    strcpy(f.folder, "/tmp/keepgate-file-XXXXXX");
    if (!mkdtemp(f.folder))
        return -1;
    write_file(&f, "a.txt", "hello");
    write_file(&f, "empty", "");
    assert_int_equal(mkdir(at(&f, "bare"), 0755), 0);
    assert_int_equal(mkdir(at(&f, "full"), 0755), 0);
    write_file(&f, "full/index.htm", "x");
    assert_int_equal(mkfifo(at(&f, "pipe"), 0644), 0);
    assert_int_equal(symlink("loop", at(&f, "loop")), 0);
    assert_int_equal(symlink("a.txt", at(&f, "link")), 0);
    *state = &f;
    return 0;
}

static int close_fixture(void **state)
{
    static const char *const names[] = {"a.txt", "empty", "full/index.htm", "pipe", "loop",
                                        "link",  "full",  "bare",           ""};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (remove(at(*state, names[i])) < 0)
            return -1;
    return 0;
}

static const struct {
    const char *name;
    unsigned status;
    uint64_t size;
    const char *why; /* how the text ends */
} files[] = {
    {"a.txt", 200, 5, NULL},
    {"empty", 200, 0, NULL},
    {"link", 200, 5, NULL},
    {"full", 301, 0, NULL},
    {"none", 404, 0, "/none\" failed (2: No such file or directory)"},
    {"a.txt/b", 404, 0, "/a.txt/b\" failed (20: Not a directory)"},
    {"pipe", 404, 0, "/pipe\" is not a regular file"},
    {"loop", 403, 0, "/loop\" failed (40: Too many levels of symbolic links)"},
};

static void what_is_there_decides(void **state)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct file file = {.fd = -1};
        struct fault why = {0};
        const char *end;

        check(files[i].name,
              file_open(at(*state, files[i].name), NULL, &file, &why) == files[i].status);
        check(files[i].name, (file.fd >= 0) == (files[i].status == 200));
        if (file.fd >= 0) {
            check(files[i].name, file.size == files[i].size);
            check(files[i].name, file.modified > 1000000000);
            check(files[i].name, fcntl(file.fd, F_GETFD) & FD_CLOEXEC);
            close(file.fd);
        }
        if (files[i].why) {
            end = why.text + strlen(why.text) - strlen(files[i].why);
            check(files[i].name, end >= why.text && strcmp(end, files[i].why) == 0);
        }
    }
}

static const struct {
    const char *what, *directory;
    struct span names[2];
    unsigned status;
    size_t found;
} indexes[] = {
    {"first", "full/", {SPAN("index.htm"), SPAN("none")}, 200, 0},
    {"second", "full/", {SPAN("none"), SPAN("index.htm")}, 200, 1},
    {"elsewhere", "full/", {SPAN("none"), SPAN("/x")}, 200, 1},
    {"none", "bare/", {SPAN("a"), SPAN("b")}, 403, 2},
    {"no directory", "none/", {SPAN("a"), SPAN("b")}, 404, 0},
    {"a file", "a.txt/", {SPAN("a"), SPAN("b")}, 404, 0},
};

static void an_index_file_stands_for_its_directory(void **state)
{
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        char room[PATH_MAX];
        struct buffer path = buffer_over(room, sizeof room);
        struct fault why = {0};
        size_t found, len;

        assert_true(
            file_path(span_text(at(*state, indexes[i].directory)), 0, SPAN(""), &path));
        len = path.len;
        check(indexes[i].what,
              file_index(&path, NULL, indexes[i].names, 2, &found, &why) == indexes[i].status);
        if (indexes[i].status == 200)
            check(indexes[i].what, found == indexes[i].found);
        else
            check(indexes[i].what, why.text[0] == '"' || why.text[0] == 'd');
        check(indexes[i].what, path.len == len && room[len] == '\0');
    }
}

static void an_index_name_that_does_not_fit_is_not_found(void **state)
{
    char room[64];
    struct buffer path = buffer_over(room, sizeof room);
    const struct span names[] = {SPAN("0123456789012345678901234567890123456789")};
    struct fault why = {0};
    size_t found;

    assert_true(file_path(span_text(at(*state, "full/")), 0, SPAN(""), &path));
    assert_int_equal(file_index(&path, NULL, names, 1, &found, &why), 404);
}

static const struct {
    const char *path, *extension;
} extensions[] = {
    {"/a.html", "html"}, {"/a.tar.gz", "gz"}, {"/a", ""},  {"/", ""},     {"", ""},
    {"/.html", ""},      {"/a.b/c", ""},      {"/a.", ""}, {"/a/.b", ""}, {"/a/.b.JS", "JS"},
};

static void the_extension_is_behind_the_last_dot(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        check(extensions[i].path, span_equal(file_extension(span_text(extensions[i].path)),
                                             span_text(extensions[i].extension)));
}

static void the_etag_is_time_and_size(void **state)
{
    char text[FILE_ETAG_MAX];

    (void)state;
    assert_true(span_equal(file_etag(&(struct file){-1, NULL, 26, 0x64b0c5f2}, text),
                           SPAN("\"64b0c5f2-1a\"")));
    assert_int_equal(file_etag(&(struct file){-1, NULL, UINT64_MAX, -1}, text).len, 35);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_lead_below_the_root),
        cmocka_unit_test(a_nul_is_refused),
        cmocka_unit_test(what_is_there_decides),
        cmocka_unit_test(an_index_file_stands_for_its_directory),
        cmocka_unit_test(an_index_name_that_does_not_fit_is_not_found),
        cmocka_unit_test(the_extension_is_behind_the_last_dot),
        cmocka_unit_test(the_etag_is_time_and_size),
    };

    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
