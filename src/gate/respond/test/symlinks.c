#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test/check.h"
#include "gate/respond/symlinks.h"

static char folder[64];

static const char *at(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_files(void **state)
{
    static char made[] = "/tmp/keepgate-links-XXXXXX";
    char *real;
    int fd;

    (void)state;
    if (!mkdtemp(made) || !(real = realpath(made, NULL)))
        return -1;
    snprintf(folder, sizeof folder, "%s", real);
    free(real);
    if (mkdir(at("dir"), 0755) < 0 ||
        (fd = open(at("dir/file"), O_CREAT | O_WRONLY, 0644)) < 0)
        return -1;
    close(fd);
    return symlink("dir", at("link")) | symlink("file", at("dir/link")) |
           symlink("/etc/passwd", at("foreign")) | symlink("nowhere", at("dangling"));
}

static int remove_files(void **state)
{
    (void)state;
    unlink(at("foreign"));
    unlink(at("dangling"));
    unlink(at("dir/link"));
    unlink(at("dir/file"));
    unlink(at("link"));
    rmdir(at("dir"));
    return rmdir(at(""));
}

/* What open and stat come to: 0 or errno. */
static const struct {
    const char *name, *from;
    int followed, refused, owner;
} paths[] = {
    {"dir/file", "", 0, 0, 0},
    {"dir//file", "", 0, 0, 0},
    {"dir/", "", 0, 0, 0},
    {"dir", "", 0, 0, 0},
    {"none", "", ENOENT, ENOENT, ENOENT},
    {"dir/file/x", "", ENOTDIR, ENOTDIR, ENOTDIR},
    {"dir/link", "", 0, ELOOP, 0},
    {"link/file", "", 0, ENOTDIR, 0},
    {"link/", "", 0, ENOTDIR, 0},
    {"dangling", "", ENOENT, ELOOP, ENOENT},
    {"link/file", "link", 0, 0, 0},
    {"link/file", "link/", 0, 0, 0},
    {"link/file", "lin", 0, ENOTDIR, 0},
    {"link/link", "link", 0, ELOOP, 0},
    {"dir/link", "dir/link", 0, 0, 0},
    {"dir/link", "other", 0, ELOOP, 0},
};

static int come_to(enum symlinks_rule rule, const char *name, const char *from)
{
    char trusted[256], path[256];
    struct symlinks s = {.rule = rule};
    struct stat found;
    int fd, error;

    snprintf(path, sizeof path, "%s", at(name));
    snprintf(trusted, sizeof trusted, "%s", from[0] ? at(from) : "");
    s.from = span_text(trusted);
    fd = symlinks_open(&s, path, O_RDONLY | O_NONBLOCK);
    error = fd < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    check(name, (symlinks_stat(&s, path, &found) < 0 ? errno : 0) == error);
    return error;
}

static void links_are_refused_where_they_shall_be(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        check(paths[i].name,
              come_to(SYMLINKS_FOLLOWED, paths[i].name, paths[i].from) == paths[i].followed);
        check(paths[i].name,
              come_to(SYMLINKS_REFUSED, paths[i].name, paths[i].from) == paths[i].refused);
        check(paths[i].name,
              come_to(SYMLINKS_OF_OWNER, paths[i].name, paths[i].from) == paths[i].owner);
    }
}

static void what_belongs_to_another_is_refused(void **state)
{
    (void)state;
    if (geteuid() == 0) /* the link is root's, as /etc/passwd is */
        assert_int_equal(lchown(at("foreign"), 1, 1), 0);
    assert_int_equal(come_to(SYMLINKS_OF_OWNER, "foreign", ""), ELOOP);
    assert_int_equal(come_to(SYMLINKS_FOLLOWED, "foreign", ""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_are_refused_where_they_shall_be),
        cmocka_unit_test(what_belongs_to_another_is_refused),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
