#include "base/options.h"
#include "base/test/check.h"

struct words {
    const char *size, *file;
    bool yes, quiet;
};

static const struct option_row rows[] = {
    {"size", 's', "SIZE", "how large", offsetof(struct words, size)},
    {"passphrase-file", 0, "FILE", "where", offsetof(struct words, file)},
    {"yes", 'y', NULL, "answers yes", offsetof(struct words, yes)},
    {"quiet", 'q', NULL, "says less", offsetof(struct words, quiet)},
    {0},
};

static enum rc parse(const char *line, struct words *w, char **operands, int *count,
                     struct fault *why)
{
    static char copy[200];

    *count = 0;
    *w = (struct words){0};
    strcpy(copy, line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        operands[(*count)++] = word;
    operands[*count] = NULL;
    return options_parse(rows, w, operands, count, why);
}

static void words_are_told_apart(void **state)
{
    struct words w;
    struct fault why = {0};
    char *at[20];
    int n;

    (void)state;
    assert_int_equal(parse("a --size 3G b --yes c", &w, at, &n, &why), RC_OK);
    assert_int_equal(n, 3);
    assert_string_equal(at[0], "a");
    assert_string_equal(at[2], "c");
    assert_string_equal(w.size, "3G");
    assert_true(w.yes);
    assert_int_equal(parse("--size=3G -yq -- --yes", &w, at, &n, &why), RC_OK);
    assert_true(w.yes && w.quiet);
    assert_int_equal(n, 1);
    assert_string_equal(at[0], "--yes");
    assert_int_equal(parse("-s4 --passphrase-file -", &w, at, &n, &why), RC_OK);
    assert_string_equal(w.size, "4");
    assert_string_equal(w.file, "-");
    assert_int_equal(n, 0);
    assert_int_equal(parse("-ys 4 -", &w, at, &n, &why), RC_OK);
    assert_string_equal(w.size, "4");
    assert_string_equal(at[0], "-");
}

static void mistakes_are_told(void **state)
{
    struct words w;
    struct fault why = {0};
    char *at[20];
    int n;

    (void)state;
    assert_int_equal(parse("--pasphrase-file x", &w, at, &n, &why), RC_USAGE);
    assert_string_equal(why.text,
                        "unknown option --pasphrase-file; did you mean --passphrase-file?");
    assert_int_equal(parse("--zzzzzz", &w, at, &n, &why), RC_USAGE);
    assert_string_equal(why.text, "unknown option --zzzzzz");
    assert_int_equal(parse("--size", &w, at, &n, &why), RC_USAGE);
    assert_string_equal(why.text, "option --size needs a value: --size SIZE");
    assert_int_equal(parse("--yes=1", &w, at, &n, &why), RC_USAGE);
    assert_int_equal(parse("-x", &w, at, &n, &why), RC_USAGE);
    assert_int_equal(parse("-s", &w, at, &n, &why), RC_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_told_apart),
        cmocka_unit_test(mistakes_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
