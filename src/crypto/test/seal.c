#include "crypto/seal.h"

#include "base/test/check.h"

enum { SECTORS = 5 };

static struct seal *open_filled(const struct seal_kind *kind, const char *encryption,
                                uint32_t size)
{
    SCOPED(secret) key = {0};
    struct fault why = {0};
    struct seal *seal;

    assert_int_equal(secret_alloc(&key, seal_key_size(kind, encryption), NULL), RC_OK);
    for (size_t i = 0; i < key.len; i++)
        key.at[i] = (uint8_t)i;
    check(why.text,
          seal_open(&seal, encryption, kind->integrity, &key, size, 7, &why) == RC_OK);
    return seal;
}

static const char *encryption_of(const struct seal_kind *kind)
{
    return kind->encryption ? kind->encryption : "aes-xts-plain64";
}

static void what_is_sealed_opens_and_nothing_else(void **state)
{
    static uint8_t plain[SECTORS * 4096], bytes[SECTORS * 4096], out[SECTORS * 4096];
    uint8_t stored[SECTORS * SEAL_STORED_MAX];
    const struct seal_kind *kind;

    (void)state;
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)(i * 3);
    for (size_t i = 0; (kind = seal_kind_at(i)); i++) {
        for (uint32_t size = 512; size <= 4096; size *= 8) {
            struct seal *seal = open_filled(kind, encryption_of(kind), size);
            struct seal_run out_of = {
                .sector = 64, .count = SECTORS, .in = plain, .out = bytes};
            struct seal_run back = {.sector = 64, .count = SECTORS, .in = bytes, .out = out};
            size_t step = seal_stored_size(kind);
            struct fault why;

            assert_true(step <= SEAL_STORED_MAX);
            assert_int_equal(seal_encrypt(seal, &out_of, stored, NULL), RC_OK);
            check(kind->integrity, memcmp(bytes, plain, size) != 0);
            assert_int_equal(seal_decrypt(seal, &back, stored, NULL), RC_OK);
            check(kind->integrity, memcmp(out, plain, SECTORS * (size_t)size) == 0);
            bytes[3 * size + 11] ^= 4;
            assert_int_equal(seal_decrypt(seal, &back, stored, &why), RC_DENIED);
            check(why.text, strstr(why.text, size == 512 ? "sector 67" : "sector 88") != NULL);
            bytes[3 * size + 11] ^= 4;
            for (size_t at = 0; at < step; at++) {
                stored[step + at] ^= 0x80;
                assert_int_equal(seal_decrypt(seal, &back, stored, NULL), RC_DENIED);
                stored[step + at] ^= 0x80;
            }
            back.sector++;
            assert_int_equal(seal_decrypt(seal, &back, stored, NULL), RC_DENIED);
            seal_close(seal);
        }
    }
}

static void refused(void **state)
{
    SCOPED(secret) key = {0};
    struct seal *seal;

    (void)state;
    assert_null(seal_find("aes-xts-plain64", "crc32c"));
    assert_null(seal_find("rot13-ecb", "hmac(sha256)"));
    assert_null(seal_find("aes-cbc-essiv:sha256", "hmac(sha256)"));
    assert_null(seal_find("aegis128-random", "hmac(sha256)"));
    assert_null(seal_find("blowfish-cbc-plain64", "hmac(sha256)"));
    assert_null(seal_find("capi:cbc(cast5)-plain64", "hmac(sha256)"));
    assert_null(seal_find("xchacha12,aes-adiantum-plain64", "hmac(sha256)"));
    assert_non_null(seal_find("camellia-cbc-plain64be", "hmac(sha1)"));
    assert_int_equal(secret_alloc(&key, 64, NULL), RC_OK);
    assert_int_equal(seal_open(&seal, "aes-xts-plain64", "hmac(sha512)", &key, 512, 0, NULL),
                     RC_UNSUPPORTED);
    assert_int_equal(seal_open(&seal, "aegis128-random", "aead", &key, 512, 0, NULL),
                     RC_UNSUPPORTED);
    assert_int_equal(seal_open(&seal, "aegis256-random", "aead", &key, 512, 0, NULL),
                     RC_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(what_is_sealed_opens_and_nothing_else),
                                     cmocka_unit_test(refused)};

    return cmocka_run_group_tests(all, NULL, NULL);
}
