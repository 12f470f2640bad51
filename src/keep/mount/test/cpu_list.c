#include "keep/mount/cpu_list.h"

#include "base/test/check.h"

static const struct {
    const char *text;
    bool good;
    int count;
} cases[] = {
    {"0", true, 1},    {"0-1\n", true, 2}, {"0-3,8", true, 5}, {"7,3-4,12-15\n", true, 7},
    {"1023", true, 1}, {"", false, 0},     {"\n", false, 0},   {"3-", false, 0},
    {"3-1", false, 0}, {"0,", false, 0},   {"a", false, 0},    {"0-1024", false, 0},
    {"-1", false, 0},  {"0 1", false, 0},  {"1--2", false, 0}, {"0-3,8x", false, 0},
};

static void lists_are_read_as_the_kernel_writes_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cpu_set_t set;

        check(cases[i].text, cpu_list_parse(cases[i].text, &set) == cases[i].good);
        if (cases[i].good)
            check(cases[i].text, CPU_COUNT(&set) == cases[i].count);
    }
}

static void what_is_not_there_is_no_list(void **state)
{
    cpu_set_t set;

    (void)state;
    assert_false(cpu_list_read("/nonexistent/online", &set));
    assert_true(cpu_list_read("/sys/devices/system/cpu/online", &set));
    assert_true(CPU_COUNT(&set) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read_as_the_kernel_writes_them),
        cmocka_unit_test(what_is_not_there_is_no_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
