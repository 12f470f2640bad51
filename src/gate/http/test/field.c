#include "base/test/check.h"
#include "gate/http/head.h"
#include "gate/http/scan.h"

static void every_name_is_known_in_any_case(void **state)
{
    (void)state;
    for (unsigned id = 1; id < FIELD_COUNT; id++) {
        struct span name = field_id_name(id);
        uint8_t lower[32], upper[32];

        assert_in_range(name.len, 1, 24);
        for (size_t i = 0; i < name.len; i++) {
            bool letter = name.at[i] != '-';

            lower[i] = letter ? name.at[i] | 0x20 : '-';
            upper[i] = letter ? name.at[i] & ~0x20 : '-';
        }
        assert_int_equal(field_id_of(name), id);
        assert_int_equal(field_id_of(span_of(lower, name.len)), id);
        assert_int_equal(field_id_of(span_of(upper, name.len)), id);
    }
    assert_int_equal(field_id_name(FIELD_OTHER).len, 0);
}

/* One bit changed, or one byte less or more, is another name, unless the bit is the case of a
 * letter. */
static void a_near_miss_is_another_name(void **state)
{
    (void)state;
    for (unsigned id = 1; id < FIELD_COUNT; id++) {
        struct span name = field_id_name(id);
        uint8_t near[32];

        for (size_t i = 0; i < name.len * 8; i++) {
            memcpy(near, name.at, name.len);
            near[i / 8] ^= (uint8_t)(1 << i % 8);
            if (i % 8 != 5 || name.at[i / 8] == '-')
                assert_int_not_equal(field_id_of(span_of(near, name.len)), id);
        }
        memcpy(near, name.at, name.len);
        near[name.len] = 'x';
        assert_int_not_equal(field_id_of(span_of(near, name.len + 1)), id);
        assert_int_not_equal(field_id_of(span_of(near, name.len - 1)), id);
    }
    assert_int_equal(field_id_of((struct span){0}), FIELD_OTHER);
}

static void lists_are_walked(void **state)
{
    static const struct {
        const char *list, *members; /* joined with '|' */
    } cases[] = {
        {"", ""},
        {" , ,", ""},
        {"a", "a|"},
        {"a,b", "a|b|"},
        {",\ta b ,, c\t,", "a b|c|"},
        {"a=\"x, y\", b", "a=\"x, y\"|b|"},
        {"a=\"x\\\", y\", b", "a=\"x\\\", y\"|b|"},
        {"\"open, b", "\"open, b|"},
        {"\"\\", "\"\\|"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span list = span_text(cases[i].list), member;
        char joined[64] = "";

        while (field_list_next(&list, &member)) {
            strncat(joined, (const char *)member.at, member.len);
            strcat(joined, "|");
        }
        check(cases[i].list, strcmp(joined, cases[i].members) == 0);
    }
}

/* Each byte at each place of runs around the width of a vector. */
static void both_scans_agree(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 40; len++) {
        for (size_t at = 0; at < len; at++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                uint8_t run[40];

                memset(run, 'a', sizeof run);
                run[at] = (uint8_t)byte;
                assert_ptr_equal(scan_visible(run, run + len),
                                 scan_visible_portable(run, run + len));
                assert_ptr_equal(scan_text(run, run + len),
                                 scan_text_portable(run, run + len));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_is_known_in_any_case),
        cmocka_unit_test(a_near_miss_is_another_name),
        cmocka_unit_test(lists_are_walked),
        cmocka_unit_test(both_scans_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
