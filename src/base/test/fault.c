#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "base/test/check.h"

static void texts_have_place_and_cause(void **state)
{
    struct fault why = {0};

    (void)state;
    errno = ENOENT;
    assert_int_equal(fail_errno(&why, RC_IO, "cannot open %s", "x"), RC_IO);
    assert_string_equal(why.text, "cannot open x: No such file or directory");
    assert_int_equal(fault_at(&why, "a.conf:%d", 3), RC_IO);
    assert_string_equal(why.text, "a.conf:3: cannot open x: No such file or directory");
    assert_int_equal(fail(&why, RC_FORMAT, "again: %s", why.text), RC_FORMAT);
    assert_string_equal(why.text, "again: a.conf:3: cannot open x: No such file or directory");
    assert_int_equal(fail(NULL, RC_LIMIT, "nobody asks"), RC_LIMIT);
}

static void long_texts_are_cut(void **state)
{
    struct fault why = {0};
    char text[1000];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(fail(&why, RC_IO, "%s", text), RC_IO);
    assert_int_equal(strlen(why.text), sizeof why.text - 1);
    assert_int_equal(fail_errno(&why, RC_IO, "%s", text), RC_IO);
    assert_int_equal(fault_at(&why, "place"), RC_IO);
    assert_int_equal(strlen(why.text), sizeof why.text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_have_place_and_cause),
        cmocka_unit_test(long_texts_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
