#include "gate/map/map.h"

#include <stdio.h>

#include "base/test/check.h"
#include "gate/conf/regex.h"

static const char *const names[] = {"a.example", ".b.example", "*.c.example", "*.x.c.example",
                                    "d.*",       "d.e.*",      "f*g"};

static struct map made(bool hostnames, const char *const *keys, size_t count,
                       struct template *values, struct arena *arena)
{
    struct map map = {.hostnames = hostnames};

    for (size_t i = 0; i < count; i++)
        check(keys[i], map_add(&map, span_text(keys[i]), &values[i], arena) == RC_OK);
    return map;
}

/* The number of the value for a text; -1 for none. */
static int found(const struct map *map, const char *text, const struct template *values)
{
    struct captures captures = {.count = 0};
    const struct template *value = map_find(map, span_text(text), &captures);

    return value ? (int)(value - values) : -1;
}

static void host_names(void **state)
{
    static const struct {
        const char *text;
        int value;
    } cases[] = {
        {"a.example", 0},   {"A.EXAMPLE", 0},     {"a.example.", 0},  {"x.a.example", -1},
        {"b.example", 1},   {"x.b.example", 1},   {"c.example", -1},  {"y.c.example", 2},
        {"x.c.example", 2}, {"y.x.c.example", 3}, {"d.net", 4},       {"d.e.net", 5},
        {"d", -1},          {"d.f.net", 4},       {".c.example", -1}, {"", -1},
        {"xb.example", -1}, {"X.B.Example.", 1},
    };
    struct arena arena = {0};
    struct template values[6] = {0};
    struct map map = made(true, names, 6, values, &arena);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(cases[i].text, found(&map, cases[i].text, values) == cases[i].value);
    assert_int_equal(map_add(&map, SPAN("f*g"), values, &arena), RC_FORMAT);
    assert_int_equal(map_add(&map, SPAN("a..b"), values, &arena), RC_FORMAT);
    assert_int_equal(map_add(&map, SPAN("*.*.b"), values, &arena), RC_FORMAT);
    assert_int_equal(map_add(&map, SPAN("A.example"), values, &arena), RC_BUSY);
    assert_int_equal(map_add(&map, SPAN("*.b.example"), values, &arena), RC_BUSY);
    arena_clear(&arena);
}

static void stars_are_letters_without_hostnames(void **state)
{
    struct arena arena = {0};
    struct template values[7] = {0};
    struct map map = made(false, names, 7, values, &arena);

    (void)state;
    for (int i = 0; i < 7; i++)
        check(names[i], found(&map, names[i], values) == i);
    assert_int_equal(found(&map, "y.c.example", values), -1);
    assert_int_equal(found(&map, "a.example.", values), -1);
    arena_clear(&arena);
}

static void expressions_come_last_and_in_order(void **state)
{
    struct arena arena = {0};
    struct template values[5] = {0};
    struct map map = {.other = &values[4]};
    struct map_expression rows[2] = {{.value = &values[2]}, {.value = &values[3]}};
    struct regex *regexes[2];
    struct captures captures = {.count = 0};

    (void)state;
    assert_int_equal(regex_open(&regexes[0], SPAN("^/(?<first>[a-z]+)"), false, NULL), RC_OK);
    assert_int_equal(regex_open(&regexes[1], SPAN("^/a1"), true, NULL), RC_OK);
    rows[0].regex = regexes[0];
    rows[1].regex = regexes[1];
    map.expressions = rows;
    map.expressions_count = 2;
    assert_int_equal(map_add(&map, SPAN(""), &values[0], &arena), RC_OK);
    assert_int_equal(map_add(&map, SPAN("/ab"), &values[1], &arena), RC_OK);
    assert_int_equal(found(&map, "", values), 0);
    assert_int_equal(found(&map, "/AB", values), 1);
    assert_int_equal(found(&map, "/abc", values), 2);
    assert_int_equal(found(&map, "/a1", values), 2);
    assert_int_equal(found(&map, "/A1", values), 3);
    assert_int_equal(found(&map, "/9", values), 4);
    assert_ptr_equal(map_find(&map, SPAN("/xyz0"), &captures), &values[2]);
    assert_int_equal(captures.count, 2);
    assert_ptr_equal(captures.regex, regexes[0]);
    regex_close(regexes[0]);
    regex_close(regexes[1]);
    arena_clear(&arena);
}

static void thousands(void **state)
{
    static struct template values[5000];
    static char texts[5000][8];
    struct arena arena = {0};
    struct map map = {0};

    (void)state;
    for (int i = 0; i < 5000; i++) {
        snprintf(texts[i], sizeof texts[i], "k%d", i);
        assert_int_equal(map_add(&map, span_text(texts[i]), &values[i], &arena), RC_OK);
    }
    for (int i = 0; i < 5000; i++)
        assert_int_equal(found(&map, texts[i], values), i);
    assert_int_equal(found(&map, "k5000", values), -1);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_names),
        cmocka_unit_test(stars_are_letters_without_hostnames),
        cmocka_unit_test(expressions_come_last_and_in_order),
        cmocka_unit_test(thousands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
