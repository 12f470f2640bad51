#include "gate/respond/try_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/scoped.h"
#include "base/test/check.h"

/* $uri is the subject's path; $arg is what the client says. */
struct asked {
    struct span path, arg;
};

static bool get(void *variables, struct span rest, uintptr_t of, struct span *value)
{
    const struct asked *asked = variables;

    (void)rest;
    *value = of ? asked->arg : asked->path;
    return true;
}

static const struct variable rows[] = {{"uri", get, 0}, {"arg", get, 1}, {0}};
static const struct variables known = {.rows = rows};

enum place { ROOT, ALIAS, EXPRESSION };

static const struct {
    const char *names, *path, *arg;
    enum place place; /* the alias stands for "/i/" */
    enum try_files_verdict verdict;
    const char *text; /* of what is found, or of the redirect */
} cases[] = {
    {"$uri =404", "/a.txt", "", ROOT, TRY_FILES_FOUND, "/a.txt"},
    {"$uri =404", "/none", "", ROOT, TRY_FILES_ANSWER, ""},
    {"$uri =404", "/sub", "", ROOT, TRY_FILES_ANSWER, ""},
    {"$uri $uri/ =404", "/sub", "", ROOT, TRY_FILES_FOUND, "/sub"},
    {"$uri/ =404", "/a.txt", "", ROOT, TRY_FILES_ANSWER, ""},
    {"/none /a.txt /x", "/none", "", ROOT, TRY_FILES_FOUND, "/a.txt"},
    {"/none /other?$uri", "/none", "", ROOT, TRY_FILES_REDIRECT, "/other?/none"},
    {"/none @named", "/none", "", ROOT, TRY_FILES_REDIRECT, "@named"},
    {"/none /a.txt", "/none", "", ROOT, TRY_FILES_REDIRECT, "/a.txt"},
    {"a.txt =404", "/x", "", ROOT, TRY_FILES_ANSWER, ""},
    {"$arg =404", "/x", "/../outside", ROOT, TRY_FILES_ANSWER, ""},
    {"/sub$arg =404", "/x", "/../a.txt", ROOT, TRY_FILES_ANSWER, ""},
    {"$arg =404", "/x", "outside", ROOT, TRY_FILES_ANSWER, ""},
    {"$uri =404", "/i/a.txt", "", ALIAS, TRY_FILES_FOUND, "/i/a.txt"},
    {"a.txt =404", "/i/none", "", ALIAS, TRY_FILES_FOUND, "/i/a.txt"},
    {"/i/a.txt =404", "/i/none", "", ALIAS, TRY_FILES_ANSWER, ""},
    {"$uri $uri/ =404", "/i/sub", "", ALIAS, TRY_FILES_FOUND, "/i/sub"},
    {"$arg =404", "/i/x", "/../outside", ALIAS, TRY_FILES_ANSWER, ""},
    {"$uri /i/b?x", "/i/none", "", ALIAS, TRY_FILES_REDIRECT, "/i/b?x"},
    {"a.txt =404", "/x", "", EXPRESSION, TRY_FILES_FOUND, "a.txt"},
    {"sub/ =404", "/x", "", EXPRESSION, TRY_FILES_FOUND, "/x"},
};

static void no_log(void *variables, const char *what)
{
    (void)variables;
    (void)what;
}

static void compile(const char *word, size_t len, struct template *t, struct arena *arena)
{
    struct span text = {(const uint8_t *)word, len};

    assert_int_equal(template_compile(t, text, &known, arena, NULL), RC_OK);
}

/* "NAME NAME ... LAST" */
static struct try_files parse(const char *text, struct try_files_name *names,
                              struct arena *arena)
{
    struct try_files t = {.names = names};
    const char *space;

    for (; (space = strchr(text, ' ')); text = space + 1) {
        struct try_files_name *name = &names[t.count++];

        name->is_directory = space[-1] == '/';
        compile(text, (size_t)(space - text) - name->is_directory, &name->text, arena);
    }
    if (text[0] == '=')
        t.code = (unsigned)atoi(text + 1);
    else
        compile(text, strlen(text), &t.fallback, arena);
    return t;
}

static void make_file(const char *folder, const char *name)
{
    char path[64];
    int fd;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

/* FOLDER/outside, FOLDER/site/a.txt, FOLDER/site/sub/ */
static int set_up(void **state)
{
    static char folder[] = "/tmp/try_files.XXXXXX";
    char path[64];

    assert_non_null(mkdtemp(folder));
    make_file(folder, "outside");
    make_file(folder, "siteoutside");
    snprintf(path, sizeof path, "%s/site", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    make_file(folder, "site/a.txt");
    snprintf(path, sizeof path, "%s/site/sub", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"site/sub",    "site/a.txt", "site",
                                        "siteoutside", "outside",    ""};
    char path[64];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", (char *)*state, names[i]);
        assert_int_equal(remove(path), 0);
    }
    return 0;
}

static void the_first_that_exists(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SCOPED(arena) arena = {0};
        struct asked asked = {span_text(cases[i].path), span_text(cases[i].arg)};
        struct try_files_name names[4] = {0};
        struct try_files t = parse(cases[i].names, names, &arena);
        struct try_files_subject subject = {
            .variables = &asked,
            .arena = &arena,
            .root = span_text(arena_printf(&arena, "%s/site%s", (char *)*state,
                                           cases[i].place == ROOT ? "" : "/")),
            .path = asked.path,
            .is_alias = cases[i].place != ROOT,
            .replaced = cases[i].place == ALIAS  ? 3
                        : cases[i].place == ROOT ? 0
                                                 : SIZE_MAX,
        };
        struct span text = {0};

        check(cases[i].names, try_files_look(&t, &subject, &text, no_log) == cases[i].verdict);
        check(cases[i].names, span_equal(text, span_text(cases[i].text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_that_exists, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
