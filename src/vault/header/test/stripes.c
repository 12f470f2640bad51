#include "vault/header/stripes.h"

#include <stdlib.h>

#include "base/test/check.h"
#include "vault/header/luks2.h"

/* Key lengths beside and on the borders of hashes, in runs that cut stripes anywhere. */
static const struct {
    const char *hash;
    size_t key_len, run;
} cases[] = {
    {"sha256", 64, 4096}, {"sha256", 32, 511}, {"sha1", 64, 4096},
    {"sha512", 64, 1000}, {"sha256", 33, 7},   {"sha1", 1, 4096},
};

static void split(const char *hash, const struct secret *key, size_t run, uint8_t *bytes)
{
    SCOPED(stripes) s = {0};
    uint64_t size = stripes_size(key->len);

    assert_int_equal(stripes_init(&s, hash_find(hash), key->len, NULL), RC_OK);
    for (uint64_t at = 0; at < size; at += run)
        assert_int_equal(stripes_split(&s, key, bytes + at,
                                       size - at < run ? (size_t)(size - at) : run, NULL),
                         RC_OK);
}

static void merge(const char *hash, size_t key_len, size_t run, const uint8_t *bytes,
                  struct secret *key)
{
    SCOPED(stripes) s = {0};
    uint64_t size = stripes_size(key_len);

    assert_int_equal(stripes_init(&s, hash_find(hash), key_len, NULL), RC_OK);
    for (uint64_t at = 0; at < size; at += run)
        assert_int_equal(
            stripes_merge(&s, bytes + at, size - at < run ? (size_t)(size - at) : run, NULL),
            RC_OK);
    assert_int_equal(stripes_key(&s, key, NULL), RC_OK);
}

static void splits_merge_to_the_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = cases[i].key_len;
        uint8_t *bytes = malloc((size_t)stripes_size(len));
        SCOPED(secret) key = {0};
        SCOPED(secret) merged = {0};

        assert_non_null(bytes);
        assert_int_equal(secret_alloc(&key, len, NULL), RC_OK);
        memset(key.at, 0x5a, len);
        split(cases[i].hash, &key, cases[i].run, bytes);
        merge(cases[i].hash, len, 4096, bytes, &merged);
        check(cases[i].hash, secret_equal(&key, &merged));
        free(bytes);
    }
}

/* Anti-forensic: one bit anywhere, and nothing of the key is left. */
static void every_stripe_counts(void **state)
{
    enum { KEY = 32 };
    static uint8_t bytes[KEY * LUKS2_STRIPES];
    SCOPED(secret) key = {0};

    (void)state;
    assert_int_equal(secret_alloc(&key, KEY, NULL), RC_OK);
    split("sha256", &key, 4096, bytes);
    for (size_t at = 0; at < sizeof bytes - KEY; at += 15013) {
        SCOPED(secret) merged = {0};
        int kept = 0;

        bytes[at] ^= 1;
        merge("sha256", KEY, 4096, bytes, &merged);
        bytes[at] ^= 1;
        for (size_t i = 0; i < KEY; i++)
            kept += merged.at[i] == key.at[i];
        assert_true(kept < KEY / 4);
    }
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(splits_merge_to_the_key),
                                     cmocka_unit_test(every_stripe_counts)};

    return cmocka_run_group_tests(all, NULL, NULL);
}
