/* What every unit test includes: cmocka, and a check that names its case. */
#ifndef BASE_TEST_CHECK_H
#define BASE_TEST_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#undef fail /* base/fault.h has the name; a test says fail_msg */

/* Fails the test, and says which row of a table it was. */
#define check(what, condition)                                                                \
    do {                                                                                      \
        if (!(condition))                                                                     \
            fail_msg("%s: %s", (what), #condition);                                           \
    } while (0)

#endif
