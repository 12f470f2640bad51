#include "base/arena.h"
#include "base/test/check.h"

static void memory_is_zeroed_and_apart(void **state)
{
    struct arena a = {0};
    uint8_t *all[200];

    (void)state;
    for (size_t i = 0; i < 200; i++) {
        size_t size = i * 37 % 5000;

        assert_non_null(all[i] = arena_take(&a, size + 1));
        assert_int_equal((uintptr_t)all[i] % 16, 0);
        for (size_t j = 0; j <= size; j++)
            assert_int_equal(all[i][j], 0);
        memset(all[i], (int)i + 1, size + 1);
    }
    for (size_t i = 0; i < 200; i++)
        assert_int_equal(all[i][i * 37 % 5000], (uint8_t)(i + 1));
    arena_clear(&a);
    arena_clear(&a);
}

static void a_reset_one_is_zeroed_again(void **state)
{
    struct arena a = {0};
    uint8_t *first = arena_take(&a, 100);

    (void)state;
    memset(first, 1, 100);
    memset(arena_take(&a, 10000), 1, 10000);
    memset(arena_take(&a, 1000), 1, 1000);
    arena_reset(&a);
    for (size_t i = 0; i < 4000; i += 100) {
        uint8_t *at = arena_take(&a, 100);

        for (size_t j = 0; j < 100; j++)
            assert_int_equal(at[j], 0);
    }
    arena_reset(&a);
    arena_clear(&a);
    arena_reset(&a);
}

static void absurd_sizes_are_refused(void **state)
{
    struct arena a = {0};

    (void)state;
    assert_null(arena_take(&a, SIZE_MAX));
    assert_null(arena_take_array(&a, SIZE_MAX / 8, 16));
    arena_clear(&a);
}

static void texts_are_copied(void **state)
{
    struct arena a = {0};

    (void)state;
    assert_string_equal(arena_text(&a, span_of("abcd", 3)), "abc");
    assert_string_equal(arena_printf(&a, "%d-%s", 7, "x"), "7-x");
    assert_int_equal(arena_copy(&a, (struct span){0}).len, 0);
    arena_clear(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_apart),
        cmocka_unit_test(a_reset_one_is_zeroed_again),
        cmocka_unit_test(absurd_sizes_are_refused),
        cmocka_unit_test(texts_are_copied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
