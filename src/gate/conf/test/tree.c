#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test/check.h"
#include "gate/conf/tree.h"

static char folder[64];

static void put(const char *name, const char *text)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* "a(b c(d))": words joined by '-', children in brackets. */
static void show(const struct conf_node *nodes, struct text *out)
{
    for (const struct conf_node *node = nodes; node; node = node->next) {
        for (size_t i = 0; i < node->count; i++)
            text_printf(out, "%s%.*s", i > 0 ? "-" : "", SPAN_ARG(node->words[i].text));
        if (node->block) {
            text_add_char(out, '(');
            show(node->children, out);
            text_add_char(out, ')');
        }
        if (node->next)
            text_add_char(out, ' ');
    }
}

struct reading {
    struct arena arena;
    struct faults faults;
    struct conf_tree tree;
    struct text shown;
};

static void read_file(struct reading *r, const char *text)
{
    char path[128];

    put("main.conf", text);
    snprintf(path, sizeof path, "%smain.conf", folder);
    *r = (struct reading){0};
    r->tree = (struct conf_tree){
        .arena = &r->arena, .faults = &r->faults, .directory = folder, .strict = true};
    conf_tree_read(&r->tree, path);
    show(r->tree.first, &r->shown);
    text_add_char(&r->shown, '\0');
}

static void clear(struct reading *r)
{
    text_clear(&r->shown);
    faults_clear(&r->faults);
    arena_clear(&r->arena);
}

static void check_tree(const char *text, const char *shown, const char *error)
{
    const struct fault_entry *e;
    struct reading r;

    read_file(&r, text);
    e = faults_first_error(&r.faults);
    if (strcmp(r.shown.at, shown) != 0)
        fail_msg("%s\n got %s\nwant %s", text, r.shown.at, shown);
    check(text, (e != NULL) == (error != NULL));
    if (e && !strstr(e->text, error))
        fail_msg("%s\n got %s\nwant %s", text, e->text, error);
    clear(&r);
}

static void blocks_and_includes(void **state)
{
    (void)state;
    put("one.inc", "x;");
    put("b.many", "b;");
    put("a.many", "a { a1; }");
    put("open.inc", "y {");
    put("shut.inc", "}");
    put("self.inc", "s; include self.inc; t;");
    check_tree("a b; c { d; e { } } f;", "a-b c(d e()) f", NULL);
    check_tree("a; include one.inc; b { include one.inc; }", "a x b(x)", NULL);
    check_tree("include *.many;", "a(a1) b", NULL);
    check_tree("include [a]*.many;", "a(a1)", NULL);
    check_tree("include *.none; a;", "a", NULL);
    check_tree("a; include none.inc; b;", "a b",
               "none.inc\" failed (2: No such file or directory)");
    check_tree("a { include shut.inc;", "a()", "unexpected \"}\"");
    check_tree("a { include open.inc; }", "a(y())", "unexpected end of file, expecting \"}\"");
    check_tree("include self.inc; u;", "s t u", "includes itself");
    check_tree("include main.conf;", "", "includes itself");
    check_tree("include one.inc x;", "include-one.inc-x", NULL);
}

static void depth_is_bounded(void **state)
{
    struct reading r;
    struct text t = {0};

    (void)state;
    for (int i = 0; i < 100000; i++)
        text_printf(&t, "a{");
    read_file(&r, t.at);
    assert_non_null(strstr(faults_first_error(&r.faults)->text, "deep"));
    clear(&r);
    text_clear(&t);
}

static void dump(void **state)
{
    struct text out = {0};
    struct reading r;
    char expected[300];

    (void)state;
    put("one.inc", "x;");
    read_file(&r, "include one.inc; include one.inc;");
    conf_tree_dump(&r.tree, &out);
    snprintf(expected, sizeof expected,
             "# configuration file %smain.conf:\ninclude one.inc; include one.inc;\n"
             "# configuration file %sone.inc:\nx;\n",
             folder, folder);
    assert_string_equal(out.at, expected);
    text_clear(&out);
    clear(&r);
}

static void a_fault_is_shown(void **state)
{
    struct faults faults = {0};
    struct text out = {0};
    struct fault_place place = {.file = "/x.conf",
                                .text = SPAN("one;\n\tlisen 80;\n"),
                                .line = 2,
                                .column = 2,
                                .width = 5,
                                .end_line = 2,
                                .order = 7};

    (void)state;
    faults_add(&faults, &place, false, "did you mean \"listen\"?", "unknown \"%s\"", "lisen");
    place.order = 3;
    faults_add(&faults, &place, true, NULL, "earlier");
    assert_string_equal(faults_first_error(&faults)->text, "unknown \"lisen\"");
    assert_string_equal(faults.first->text, "earlier");
    fault_entry_show(faults_first_error(&faults), &out);
    assert_string_equal(out.at, "/x.conf:2:2: error: unknown \"lisen\"\n    \tlisen 80;\n"
                                "    \t^^^^^\n  did you mean \"listen\"?\n");
    text_clear(&out);
    faults_add(&faults, &place, true, NULL, "earlier");
    assert_int_equal(faults.warnings, 1); /* as it was */
    for (place.line = 3; place.line < 503; place.line++)
        faults_add(&faults, &place, false, NULL, "more");
    faults_show(&faults, &out);
    assert_non_null(strstr(out.at, "and 302 more\n"));
    text_clear(&out);
    faults_clear(&faults);
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/keepgate-conf-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    strcat(folder, "/");
    return 0;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"main.conf", "one.inc",  "b.many",  "a.many",
                                        "open.inc",  "shut.inc", "self.inc"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];

        snprintf(path, sizeof path, "%s%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_and_includes),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(dump),
        cmocka_unit_test(a_fault_is_shown),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
