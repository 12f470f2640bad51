#include <stdio.h>

#include "base/test/check.h"
#include "gate/respond/mime_types.h"

static void three_types_are_there_by_default(void **state)
{
    static const struct {
        const char *extension, *type;
    } cases[] = {
        {"html", "text/html"},
        {"HTML", "text/html"},
        {"gif", "image/gif"},
        {"jpg", "image/jpeg"},
        {"jpeg", ""},
        {"htm", ""},
        {"", ""},
    };
    struct arena arena = {0};
    const struct mime_types *types = mime_types_open_default(&arena);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(cases[i].extension,
              span_equal(mime_types_find(types, span_text(cases[i].extension)),
                         span_text(cases[i].type)));
    arena_clear(&arena);
}

static void thousands_are_found_again(void **state)
{
    struct arena arena = {0};
    struct mime_types *types = mime_types_open(&arena);
    char name[16], type[16];

    (void)state;
    assert_int_equal(mime_types_find(types, SPAN("x")).len, 0);
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "e%d", i);
        snprintf(type, sizeof type, "t/%d", i);
        assert_int_equal(mime_types_add(types, arena_copy(&arena, span_text(name)),
                                        arena_copy(&arena, span_text(type))),
                         RC_OK);
    }
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "E%d", i);
        snprintf(type, sizeof type, "t/%d", i);
        check(name, span_equal(mime_types_find(types, span_text(name)), span_text(type)));
    }
    assert_int_equal(mime_types_find(types, SPAN("e3000")).len, 0);
    arena_clear(&arena);
}

static void the_last_word_counts(void **state)
{
    struct arena arena = {0};
    struct mime_types *types = mime_types_open(&arena);

    (void)state;
    assert_int_equal(mime_types_add(types, SPAN("js"), SPAN("a/a")), RC_OK);
    assert_int_equal(mime_types_add(types, SPAN("JS"), SPAN("b/b")), RC_OK);
    assert_int_equal(mime_types_add(types, SPAN(""), SPAN("c/c")), RC_OK);
    assert_true(span_equal(mime_types_find(types, SPAN("js")), SPAN("b/b")));
    assert_int_equal(mime_types_find(NULL, SPAN("js")).len, 0);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_types_are_there_by_default),
        cmocka_unit_test(thousands_are_found_again),
        cmocka_unit_test(the_last_word_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
