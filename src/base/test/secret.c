#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/test/check.h"

static void a_secret_lives_and_goes(void **state)
{
    SCOPED(secret) a = {0};
    SCOPED(secret) b = {0};

    (void)state;
    assert_int_equal(secret_alloc(&a, 64, NULL), RC_OK);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(a.at[i], 0);
    memset(a.at, 7, 64);
    assert_int_equal(secret_copy(&b, secret_span(&a), NULL), RC_OK);
    assert_true(secret_equal(&a, &b));
    b.at[63] ^= 1;
    assert_false(secret_equal(&a, &b));
    secret_cut(&b, 63);
    assert_int_equal(b.len, 63);
    assert_int_equal(b.at[63], 0);
    assert_false(secret_equal(&a, &b));
    secret_clear(&a);
    assert_null(a.at);
    secret_clear(&a);
}

static void an_empty_secret_is_one(void **state)
{
    SCOPED(secret) a = {0};

    (void)state;
    assert_int_equal(secret_alloc(&a, 0, NULL), RC_OK);
    assert_non_null(a.at);
    assert_int_equal(a.len, 0);
}

static void a_child_that_touches(uint8_t *at)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        *(volatile uint8_t *)at = 1;
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void a_child_does_not_have_it_and_guards_stand(void **state)
{
    SCOPED(secret) a = {0};

    (void)state;
    assert_int_equal(secret_alloc(&a, 4000, NULL), RC_OK);
    a_child_that_touches(a.at);
    a_child_that_touches(a.at - 1);
    a_child_that_touches(a.at + a.mapped);
    assert_int_equal(a.at[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_lives_and_goes),
        cmocka_unit_test(an_empty_secret_is_one),
        cmocka_unit_test(a_child_does_not_have_it_and_guards_stand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
