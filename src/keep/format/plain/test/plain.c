#include "keep/format/plain/plain.h"

#include "base/test/check.h"
#include "codec/hex.h"

/* SHA-1 and SHA-256 of "abc" are those of FIPS 180-4; the second round has "Aabc". */
static const struct {
    const char *what, *hash, *phrase, *key;
    uint32_t key_size;
} cases[] = {
    {"one round", "sha256", "abc",
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 32},
    {"cut", "sha256", "abc", "ba7816bf8f01cfea414140de5dae2223", 16},
    {"two rounds", "sha1", "abc",
     "a9993e364706816aba3e25717850c26c9cd0d89da0070107aab564ed30dc84f4", 32},
    {"a length", "sha256:4", "abc", "ba7816bf000000000000000000000000", 16},
    {"no hash", "plain", "abc", "61626300000000000000000000000000", 16},
    {"no hash, too long", "plain", "0123456789abcdefgh", "30313233343536373839616263646566",
     16},
};

static void keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plain plain = {
            .encryption = "aes-cbc-plain", .key_size = cases[i].key_size, .sector_size = 512};
        SCOPED(format_volume) volume = {0};
        SCOPED(secret) phrase = {0};
        char text[65];

        assert_int_equal(plain_parse_hash(&plain, cases[i].hash, NULL), RC_OK);
        assert_int_equal(secret_copy(&phrase, span_text(cases[i].phrase), NULL), RC_OK);
        assert_int_equal(plain_unlock(&plain, 1 << 20, &phrase, false, &volume, NULL), RC_OK);
        check(cases[i].what,
              strcmp(hex_encode(secret_span(&volume.key), text), cases[i].key) == 0);
    }
}

static void places(void **state)
{
    static const struct {
        uint64_t offset, size, begin, len;
        enum rc rc;
    } rows[] = {
        {0, 1024, 0, 1024, RC_OK},
        {1, 1535, 512, 512, RC_OK},
        {2, 1535, 0, 0, RC_TRUNCATED},
        {0, 511, 0, 0, RC_TRUNCATED},
        {UINT64_MAX, 1 << 20, 0, 0, RC_TRUNCATED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plain plain = {.encryption = "aes-xts-plain64",
                              .key_size = 32,
                              .sector_size = 512,
                              .hash = hash_find("sha256"),
                              .offset = rows[i].offset,
                              .skip = 7};
        SCOPED(format_volume) volume = {0};
        SCOPED(secret) phrase = {0};

        assert_int_equal(plain_unlock(&plain, rows[i].size, &phrase, false, &volume, NULL),
                         rows[i].rc);
        if (rows[i].rc != RC_OK)
            continue;
        assert_int_equal(volume.place.offset, rows[i].begin);
        assert_int_equal(volume.place.len, rows[i].len);
        assert_int_equal(volume.place.iv_tweak, 7);
    }
}

static void raw_keys(void **state)
{
    const struct plain plain = {
        .encryption = "aes-cbc-plain", .key_size = 16, .sector_size = 512};
    static const enum rc answers[] = {[15] = RC_DENIED, [16] = RC_OK, [17] = RC_OK};

    (void)state;
    for (size_t len = 15; len <= 17; len++) {
        SCOPED(format_volume) volume = {0};
        SCOPED(secret) key = {0};

        assert_int_equal(secret_copy(&key, span_of("0123456789abcdefg", len), NULL), RC_OK);
        assert_int_equal(plain_unlock(&plain, 512, &key, true, &volume, NULL), answers[len]);
        assert_true(len < 16 || memcmp(volume.key.at, "0123456789abcdef", 16) == 0);
    }
}

static void refused(void **state)
{
    struct plain plain = {.encryption = "aes-cbc-plain", .key_size = 64, .sector_size = 512};
    SCOPED(format_volume) volume = {0};
    SCOPED(secret) phrase = {0};

    (void)state;
    assert_int_equal(plain_unlock(&plain, 512, &phrase, false, &volume, NULL), RC_UNSUPPORTED);
    plain.encryption = "rot13";
    assert_int_equal(plain_unlock(&plain, 512, &phrase, false, &volume, NULL), RC_UNSUPPORTED);
    assert_int_equal(plain_parse_hash(&plain, "md1", NULL), RC_UNSUPPORTED);
    assert_int_equal(plain_parse_hash(&plain, "sha256:0", NULL), RC_USAGE);
    assert_int_equal(plain_parse_hash(&plain, "sha256:65", NULL), RC_USAGE);
    assert_int_equal(plain_parse_hash(&plain, "sha256:", NULL), RC_USAGE);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(keys), cmocka_unit_test(places),
                                     cmocka_unit_test(raw_keys), cmocka_unit_test(refused)};

    return cmocka_run_group_tests(all, NULL, NULL);
}
