#include "crypto/kdf.h"

#include "base/test/check.h"
#include "codec/hex.h"

/* RFC 6070 (SHA-1), RFC 7914, section 11 (SHA-256) */
static const struct {
    const char *hash, *phrase, *salt;
    uint32_t passes;
    const char *key;
} pbkdf2[] = {
    {"sha1", "password", "salt", 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"},
    {"sha1", "password", "salt", 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"},
    {"sha1", "password", "salt", 4096, "4b007901b765489abead49d926f721d065a429c1"},
    {"sha1", "passwordPASSWORDpassword", "saltSALTsaltSALTsaltSALTsaltSALTsalt", 4096,
     "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"},
    {"sha256", "passwd", "salt", 1,
     "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
     "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"},
};

static void check_key(const struct kdf_params *params, const char *phrase, const char *key)
{
    SCOPED(secret) in = {0};
    SCOPED(secret) out = {0};
    char text[2 * KDF_KEY_MAX + 1];
    struct fault why = {0};

    assert_int_equal(secret_copy(&in, span_text(phrase), NULL), RC_OK);
    assert_int_equal(secret_alloc(&out, strlen(key) / 2, NULL), RC_OK);
    check(why.text, kdf_derive(params, &in, &out, &why) == RC_OK);
    check(key, strcmp(hex_encode(secret_span(&out), text), key) == 0);
}

static void pbkdf2_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pbkdf2 / sizeof *pbkdf2; i++) {
        struct kdf_params params = {.kdf = kdf_find("pbkdf2"),
                                    .hash = hash_find(pbkdf2[i].hash),
                                    .passes = pbkdf2[i].passes,
                                    .salt_len = strlen(pbkdf2[i].salt)};

        memcpy(params.salt, pbkdf2[i].salt, params.salt_len);
        check_key(&params, pbkdf2[i].phrase, pbkdf2[i].key);
    }
}

/*
 * Made with the reference implementation's own test program (phc-winner-argon2, test.c,
 * version 0x13): RFC 9106's vectors use a secret and associated data, which LUKS2 has not.
 */
static const struct {
    const char *kdf;
    uint32_t passes, memory_kib, lanes;
    const char *phrase, *key;
} argon2[] = {
    {"argon2i", 2, 65536, 1, "password",
     "c1628832147d9720c5bd1cfd61367078729f6dfb6f8fea9ff98158e0d7816ed0"},
    {"argon2i", 2, 256, 2, "password",
     "4ff5ce2769a1d7f4c8a491df09d41a9fbe90e5eb02155a13e4c01e20cd4eab61"},
    {"argon2id", 2, 65536, 1, "password",
     "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"},
    {"argon2id", 2, 256, 2, "password",
     "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"},
    {"argon2id", 1, 65536, 1, "password",
     "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98"},
    {"argon2id", 2, 65536, 1, "differentpassword",
     "0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde"},
};

static void argon2_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof argon2 / sizeof *argon2; i++) {
        struct kdf_params params = {.kdf = kdf_find(argon2[i].kdf),
                                    .passes = argon2[i].passes,
                                    .memory_kib = argon2[i].memory_kib,
                                    .lanes = argon2[i].lanes,
                                    .salt = "somesalt",
                                    .salt_len = 8};

        check_key(&params, argon2[i].phrase, argon2[i].key);
    }
}

static const struct {
    const char *what, *kdf;
    uint32_t passes, memory_kib, lanes;
    size_t salt_len;
    enum rc rc;
} bounds[] = {
    {"argon2 as cryptsetup's most", "argon2id", 4, 4 << 20, 4, 32, RC_OK},
    {"more memory than that", "argon2id", 4, (4 << 20) + 1, 4, 32, RC_LIMIT},
    {"too long in all", "argon2id", 2000, 4 << 20, 4, 32, RC_LIMIT},
    {"too many passes", "argon2i", 5000, 64, 1, 32, RC_LIMIT},
    {"no pass", "argon2id", 0, 64, 1, 32, RC_FORMAT},
    {"no lane", "argon2id", 4, 64, 0, 32, RC_FORMAT},
    {"more lanes than memory", "argon2id", 4, 64, 9, 32, RC_FORMAT},
    {"lanes that wrap", "argon2id", 4, 64, UINT32_MAX, 32, RC_FORMAT},
    {"too many lanes", "argon2id", 4, 65536, 65, 32, RC_LIMIT},
    {"a short salt", "argon2id", 4, 64, 1, 7, RC_FORMAT},
    {"a long salt", "argon2id", 4, 64, 1, KDF_SALT_MAX + 1, RC_FORMAT},
    {"pbkdf2 of a strong machine", "pbkdf2", 20000000, 0, 0, 32, RC_OK},
    {"pbkdf2 for days", "pbkdf2", UINT32_MAX, 0, 0, 32, RC_LIMIT},
    {"pbkdf2 for nothing", "pbkdf2", 0, 0, 0, 32, RC_FORMAT},
};

static void costs_are_bounded(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        struct kdf_params params = {.kdf = kdf_find(bounds[i].kdf),
                                    .hash = hash_find("sha256"),
                                    .passes = bounds[i].passes,
                                    .memory_kib = bounds[i].memory_kib,
                                    .lanes = bounds[i].lanes,
                                    .salt_len = bounds[i].salt_len};

        check(bounds[i].what, kdf_check(&params, NULL) == bounds[i].rc);
    }
    assert_null(kdf_find("argon2"));
}

static void calibration_stays_in_bounds(void **state)
{
    struct kdf_params params = {.kdf = &kdf_argon2id, .salt_len = 32};
    struct kdf_params pbkdf = {
        .kdf = &kdf_pbkdf2, .hash = hash_find("sha256"), .salt_len = 32};

    (void)state;
    assert_int_equal(kdf_calibrate(&params, 200, NULL), RC_OK);
    assert_int_equal(kdf_check(&params, NULL), RC_OK);
    assert_in_range(params.memory_kib, 64 << 10, 1 << 20);
    assert_in_range(params.lanes, 1, 4);
    assert_true(params.passes >= 4);
    assert_int_equal(kdf_calibrate(&pbkdf, 50, NULL), RC_OK);
    assert_int_equal(kdf_check(&pbkdf, NULL), RC_OK);
    assert_true(pbkdf.passes >= 1000);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(pbkdf2_vectors), cmocka_unit_test(argon2_vectors),
        cmocka_unit_test(costs_are_bounded), cmocka_unit_test(calibration_stays_in_bounds)};

    return cmocka_run_group_tests(all, NULL, NULL);
}
