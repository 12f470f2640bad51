/* What every unit test includes: cmocka, and a check that names its case. */
#ifndef BASE_TEST_CHECK_H
#define BASE_TEST_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* base/fault.h has the name `fail`; a test says fail_msg. */
#undef fail
#undef fail_msg
#define fail_msg(format, ...)                                                                 \
    do {                                                                                      \
        print_error("ERROR: " format "\n", ##__VA_ARGS__);                                    \
        _fail(__FILE__, __LINE__);                                                            \
    } while (0)

/* Not inlined: the compiler would reason about `what` of rows that do not fail. */
__attribute__((noinline, unused)) static void
check_failed(const char *what, const char *condition, const char *file, int line)
{
    print_error("%s: %s\n", what, condition);
    _fail(file, line);
}

/* Fails the test, and says which row of a table it was. */
#define check(what, condition)                                                                \
    do {                                                                                      \
        if (!(condition))                                                                     \
            check_failed((what), #condition, __FILE__, __LINE__);                             \
    } while (0)

#endif
