#include "base/text.h"
#include "base/test/check.h"

static void it_grows(void **state)
{
    struct text t = {0};

    (void)state;
    for (int i = 0; i < 1000; i++)
        text_printf(&t, "%03d", i);
    text_add_char(&t, '!');
    text_add(&t, (struct span){0});
    assert_true(text_ok(&t));
    assert_int_equal(t.len, 3001);
    assert_int_equal(strlen(t.at), 3001);
    assert_memory_equal(t.at + 2997, "999!", 5);
    text_reset(&t);
    assert_int_equal(text_span(&t).len, 0);
    text_clear(&t);
    text_clear(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_grows)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
