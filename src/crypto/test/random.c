#include "crypto/random.h"

#include "base/test/check.h"

static void keys_differ(void **state)
{
    SCOPED(secret) a = {0};
    SCOPED(secret) b = {0};

    (void)state;
    assert_int_equal(random_key(&a, 64, NULL), RC_OK);
    assert_int_equal(random_key(&b, 64, NULL), RC_OK);
    assert_int_equal(a.len, 64);
    assert_false(secret_equal(&a, &b));
}

/* Every byte of every length is filled: one that stays 0 in 64 tries is not random. */
static void every_byte_is_filled(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 70; len += 23) {
        uint8_t seen[80] = {0}, bytes[80] = {0};

        for (int i = 0; i < 64; i++) {
            assert_int_equal(random_bytes(bytes, len, NULL), RC_OK);
            for (size_t at = 0; at < sizeof bytes; at++)
                seen[at] |= bytes[at];
        }
        for (size_t at = 0; at < sizeof bytes; at++)
            assert_true((seen[at] != 0) == (at < len));
    }
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(keys_differ),
                                     cmocka_unit_test(every_byte_is_filled)};

    return cmocka_run_group_tests(all, NULL, NULL);
}
