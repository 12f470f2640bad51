#include "gate/route/location.h"
#include "base/test/check.h"
#include "gate/conf/regex.h"

/* What the room knows of a location is its address. */
struct location {
    struct location_pattern pattern;
    struct location_tree inner;
    struct regex *regex;
};

/* One configuration: `depth` says what a location is inside of. */
struct row {
    int depth;
    enum location_kind kind;
    const char *text;
    bool proxied;
};

enum { ROWS_MAX = 16 };

struct tree {
    struct arena arena;
    struct location_tree top;
    struct location all[ROWS_MAX];
    size_t count;
};

/* Adds rows[i] and those inside of it; returns the first row that is not. */
static size_t add(struct tree *t, struct location_tree *to, const struct row *rows, size_t i)
{
    struct location *l = &t->all[i];
    struct span text = span_text(rows[i].text);
    size_t next = i + 1;
    bool is_regex = rows[i].kind == LOCATION_REGEX || rows[i].kind == LOCATION_REGEX_NOCASE;

    t->count++;
    if (is_regex)
        assert_int_equal(
            regex_open(&l->regex, text, rows[i].kind == LOCATION_REGEX_NOCASE, NULL), RC_OK);
    l->pattern = (struct location_pattern){rows[i].kind, text, l->regex};
    while (rows[next].text && rows[next].depth > rows[i].depth)
        next = add(t, &l->inner, rows, next);
    location_sort(&l->inner);
    assert_int_equal(location_add(to, &l->pattern, l, &l->inner, rows[i].proxied, &t->arena),
                     RC_OK);
    return next;
}

static void make(struct tree *t, const struct row *rows)
{
    *t = (struct tree){0};
    for (size_t i = 0; rows[i].text;)
        i = add(t, &t->top, rows, i);
    location_sort(&t->top);
}

static void clear(struct tree *t)
{
    for (size_t i = 0; i < t->count; i++)
        regex_close(t->all[i].regex);
    arena_clear(&t->arena);
}

struct wanted {
    const char *path, *text; /* of the location; NULL: none */
    bool add_slash;
};

static void check_all(const struct row *rows, const struct wanted *wanted)
{
    struct tree t;

    make(&t, rows);
    for (; wanted->path; wanted++) {
        struct captures captures = {0};
        struct location_found found =
            location_find(&t.top, span_text(wanted->path), &captures);
        struct span text = found.location ? found.location->pattern.text : (struct span){0};

        check(wanted->path, (found.location != NULL) == (wanted->text != NULL));
        if (!span_equal(text, span_text(wanted->text)))
            fail_msg("%s: got %.*s, want %s", wanted->path, SPAN_ARG(text), wanted->text);
        check(wanted->path, found.add_slash == wanted->add_slash);
    }
    clear(&t);
}

static void exact_and_prefix(void **state)
{
    static const struct row rows[] = {
        {0, LOCATION_PREFIX, "/", false},        {0, LOCATION_EXACT, "/", false},
        {0, LOCATION_PREFIX, "/a", false},       {0, LOCATION_PREFIX, "/a/b/", false},
        {0, LOCATION_EXACT, "/a/c", false},      {0, LOCATION_PREFIX, "/a/b/c/d", false},
        {0, LOCATION_PREFIX, "/images/", false}, {0},
    };
    static const struct wanted wanted[] = {
        {"/", "/", false},
        {"/x", "/", false},
        {"/a", "/a", false},
        {"/abc", "/a", false},
        {"/a/", "/a", false},
        {"/a/b", "/a", false},
        {"/a/b/", "/a/b/", false},
        {"/a/b/c/", "/a/b/", false},
        {"/a/b/c/dx", "/a/b/c/d", false},
        {"/a/c", "/a/c", false},
        {"/a/cd", "/a", false},
        {"/images", "/", false},
        {"/images/x", "/images/", false},
        {"/imagesx", "/", false},
        {"/\xff", "/", false},
        {0},
    };
    static const struct row few[] = {
        {0, LOCATION_EXACT, "/a", false}, {0, LOCATION_PREFIX, "/b", false}, {0}};
    static const struct wanted none[] = {{"/", NULL, false},
                                         {"/ab", NULL, false},
                                         {"/a", "/a", false},
                                         {"/bb", "/b", false},
                                         {0}};

    (void)state;
    check_all(rows, wanted);
    check_all(few, none);
    check_all(few + 2, (const struct wanted[]){{"/", NULL, false}, {0}});
}

static void expressions(void **state)
{
    static const struct row rows[] = {
        {0, LOCATION_PREFIX, "/", false},
        {0, LOCATION_REGEX, "\\.php$", false},
        {0, LOCATION_PREFIX, "/docs/", false},
        {0, LOCATION_PREFIX_FIRST, "/static/", false},
        {0, LOCATION_REGEX_NOCASE, "\\.(gif|png)$", false},
        {0, LOCATION_REGEX, "^/docs/.*php$", false},
        {0, LOCATION_EXACT, "/x.php", false},
        {0},
    };
    static const struct wanted wanted[] = {
        {"/a.php", "\\.php$", false},         {"/docs/a.php", "\\.php$", false},
        {"/docs/a.PHP", "/docs/", false},     {"/docs/a.PNG", "\\.(gif|png)$", false},
        {"/static/a.php", "/static/", false}, {"/docs/aphp", "^/docs/.*php$", false},
        {"/x.php", "/x.php", false},          {0},
    };

    (void)state;
    check_all(rows, wanted);
}

/* An inner context is searched before the expressions of its outer one. */
static void nested(void **state)
{
    static const struct row rows[] = {
        {0, LOCATION_PREFIX, "/a/", false},
        {1, LOCATION_PREFIX, "/a/b/", false},
        {2, LOCATION_REGEX, "inmost$", false},
        {1, LOCATION_REGEX, "inner$", false},
        {1, LOCATION_PREFIX_FIRST, "/a/first/", false},
        {1, LOCATION_EXACT, "/a/exact.outer", false},
        {0, LOCATION_REGEX, "outer$", false},
        {1, LOCATION_PREFIX, "/z/", false},
        {1, LOCATION_REGEX, "^/re", false},
        {0, LOCATION_PREFIX_FIRST, "/only/", false},
        {1, LOCATION_PREFIX, "/only/x/", false},
        {0},
    };
    static const struct wanted wanted[] = {
        {"/a/x", "/a/", false},
        {"/a/b/x", "/a/b/", false},
        {"/a/b/inmost", "inmost$", false},
        {"/a/b/inner", "inner$", false},
        {"/a/inner", "inner$", false},
        {"/a/b/outer", "outer$", false},
        {"/a/outer", "outer$", false},
        {"/a/first/inner", "/a/first/", false}, /* ^~ stops the expressions around it */
        {"/a/first/outer", "outer$", false},    /* but not those further out */
        {"/a/exact.outer", "/a/exact.outer", false},
        {"/z/outer", "/z/", false},
        {"/re/outer", "^/re", false},
        {"/only/outer", "/only/", false},
        {"/only/x/outer", "/only/x/", false},
        {"/b", NULL, false},
        {0},
    };

    (void)state;
    check_all(rows, wanted);
}

static void add_slash(void **state)
{
    static const struct row rows[] = {
        {0, LOCATION_PREFIX, "/", false},
        {0, LOCATION_PREFIX, "/x/", true},
        {1, LOCATION_PREFIX, "/x/y/", true},
        {0, LOCATION_PREFIX, "/both/", true},
        {0, LOCATION_EXACT, "/both", false},
        {0, LOCATION_PREFIX, "/file/", false},
        {0, LOCATION_EXACT, "/eq/", true},
        {0, LOCATION_PREFIX, "/x!", false},
        {0},
    };
    static const struct wanted wanted[] = {
        {"/x", "/x/", true},
        {"/x/", "/x/", false},
        {"/x/y", "/x/y/", true},
        {"/x/z", "/x/", false},
        {"/both", "/both", false},
        {"/file", "/", false},
        {"/eq", "/eq/", true},
        {"/", "/", false},
        {"/xx", "/", false},
        {"/x!a", "/x!", false},
        {0},
    };

    (void)state;
    check_all(rows, wanted);
}

static void named_ones(void **state)
{
    static const struct row rows[] = {
        {0, LOCATION_PREFIX, "/", false}, {0, LOCATION_NAMED, "@back", false}, {0}};
    const struct location *found;
    struct tree t;

    (void)state;
    make(&t, rows);
    found = location_find_named(&t.top, SPAN("@back"));
    assert_non_null(found);
    assert_true(span_equal(found->pattern.text, SPAN("@back")));
    assert_null(location_find_named(&t.top, SPAN("@other")));
    assert_null(location_find_named(&(struct location_tree){0}, SPAN("@back")));
    clear(&t);
}

static void same_text_twice(void **state)
{
    static const struct {
        enum location_kind first, second;
        enum rc rc;
    } cases[] = {
        {LOCATION_PREFIX, LOCATION_PREFIX, RC_BUSY},
        {LOCATION_PREFIX, LOCATION_PREFIX_FIRST, RC_BUSY},
        {LOCATION_EXACT, LOCATION_EXACT, RC_BUSY},
        {LOCATION_EXACT, LOCATION_PREFIX, RC_OK},
        {LOCATION_NAMED, LOCATION_NAMED, RC_BUSY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct location a = {.pattern = {cases[i].first, SPAN("/a"), NULL}};
        struct location b = {.pattern = {cases[i].second, SPAN("/a"), NULL}};
        struct location_tree tree = {0};
        struct arena arena = {0};

        assert_int_equal(location_add(&tree, &a.pattern, &a, &a.inner, false, &arena), RC_OK);
        assert_int_equal(location_add(&tree, &b.pattern, &b, &b.inner, false, &arena),
                         cases[i].rc);
        arena_clear(&arena);
    }
}

static void captures_of_the_last_match(void **state)
{
    static const struct row rows[] = {
        {0, LOCATION_REGEX, "^/(?<user>[a-z]+)/(x)?(.*)$", false}, {0}};
    struct captures captures = {0};
    struct span value;
    struct tree t;

    (void)state;
    make(&t, rows);
    assert_false(captures_number(&captures, 0, &value));
    (void)location_find(&t.top, SPAN("/ann/rest"), &captures);
    assert_true(captures_number(&captures, 1, &value));
    assert_true(span_equal(value, SPAN("ann")));
    assert_false(captures_number(&captures, 2, &value));
    assert_true(captures_number(&captures, 3, &value));
    assert_true(span_equal(value, SPAN("rest")));
    assert_false(captures_number(&captures, 4, &value));
    assert_true(captures_named(&captures, SPAN("user"), &value));
    assert_true(span_equal(value, SPAN("ann")));
    assert_false(captures_named(&captures, SPAN("nobody"), &value));
    clear(&t);
}

/* Against the plain definition: the longest of many prefixes. */
static void longest_of_many(void **state)
{
    static char texts[700][8];
    static struct location all[700];
    struct location_tree tree = {0};
    struct arena arena = {0};
    size_t count = 0;

    (void)state;
    for (unsigned i = 0; i < 700; i++) {
        unsigned bits = i * 2654435761u;

        texts[i][0] = '/';
        for (unsigned c = 1; c < 2 + bits % 6; c++)
            texts[i][c] = "ab/!"[bits >> (8 + 2 * c) & 3];
        all[i].pattern = (struct location_pattern){LOCATION_PREFIX, span_text(texts[i]), NULL};
        count += location_add(&tree, &all[i].pattern, &all[i], &all[i].inner, false, &arena) ==
                 RC_OK;
    }
    assert_true(count > 100);
    location_sort(&tree);
    for (unsigned i = 0; i < 5000; i++) {
        unsigned bits = i * 2246822519u;
        char path[10] = "/";
        struct captures captures;
        struct location_found found;
        size_t longest = 0;

        for (unsigned c = 1; c < 1 + i % 8; c++)
            path[c] = "ab/!"[bits >> (3 * c) & 3];
        for (unsigned p = 0; p < 700; p++) {
            if (strncmp(path, texts[p], strlen(texts[p])) == 0 && strlen(texts[p]) > longest)
                longest = strlen(texts[p]);
        }
        found = location_find(&tree, span_text(path), &captures);
        check(path, (found.location ? found.location->pattern.text.len : 0) == longest);
    }
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_and_prefix),
        cmocka_unit_test(expressions),
        cmocka_unit_test(nested),
        cmocka_unit_test(add_slash),
        cmocka_unit_test(named_ones),
        cmocka_unit_test(same_text_twice),
        cmocka_unit_test(captures_of_the_last_match),
        cmocka_unit_test(longest_of_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
