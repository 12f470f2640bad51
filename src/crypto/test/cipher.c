#include "crypto/cipher.h"

#include <pthread.h>

#include "base/test/check.h"
#include "codec/hex.h"

enum { UNIT = 512 };

static void fill(uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)i;
}

static struct cipher *open_hex(const char *encryption, const char *key_hex,
                               uint32_t sector_size)
{
    SCOPED(secret) key = {0};
    struct cipher *cipher;
    struct fault why = {0};
    uint8_t bytes[64];
    size_t len;

    assert_int_equal(hex_decode(span_text(key_hex), bytes, sizeof bytes, &len), RC_OK);
    assert_int_equal(secret_copy(&key, span_of(bytes, len), NULL), RC_OK);
    check(why.text, cipher_open(&cipher, encryption, &key, sector_size, &why) == RC_OK);
    return cipher;
}

/* IEEE 1619-2007, annex B, vectors 4 and 10: the data unit is 00 01 .. ff 00 01 .. ff */
static const struct {
    const char *what, *key;
    uint64_t sector;
    const char *first; /* 16 bytes of ciphertext */
} xts[] = {
    {"vector 4", "2718281828459045235360287471352631415926535897932384626433832795", 0,
     "27a7479befa1d476489f308cd4cfa6e2"},
    {"vector 10",
     "2718281828459045235360287471352662497757247093699959574966967627"
     "3141592653589793238462643383279502884197169399375105820974944592",
     0xff, "1c3b3a102f770386e4836c99e370cf9b"},
};

static void xts_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof xts / sizeof *xts; i++) {
        struct cipher *cipher = open_hex("aes-xts-plain64", xts[i].key, UNIT);
        uint8_t bytes[UNIT], plain[UNIT];
        char text[33];

        fill(plain, UNIT);
        assert_int_equal(cipher_encrypt(cipher, xts[i].sector, plain, bytes, UNIT, NULL),
                         RC_OK);
        check(xts[i].what, strcmp(hex_encode(span_of(bytes, 16), text), xts[i].first) == 0);
        assert_int_equal(cipher_decrypt(cipher, xts[i].sector, bytes, bytes, UNIT, NULL),
                         RC_OK);
        check(xts[i].what, memcmp(bytes, plain, UNIT) == 0);
        cipher_close(cipher);
    }
}

static const struct {
    const char *encryption;
    size_t key_len;
} all_ciphers[] = {
    {"aes-xts-plain64", 64},
    {"aes-xts-plain64", 32},
    {"aes-xts-plain", 64},
    {"aes-cbc-plain64", 32},
    {"aes-cbc-plain64", 24},
    {"aes-cbc-plain64", 16},
    {"aes-cbc-essiv:sha256", 32},
    {"aes-cbc-plain", 16},
    {"xchacha12,aes-adiantum-plain64", 32},
    {"xchacha20,aes-adiantum-plain", 32},
};

static struct cipher *open_filled(const char *encryption, size_t key_len, uint32_t sector_size)
{
    SCOPED(secret) key = {0};
    struct cipher *cipher;

    assert_int_equal(secret_alloc(&key, key_len, NULL), RC_OK);
    fill(key.at, key_len);
    assert_int_equal(cipher_open(&cipher, encryption, &key, sector_size, NULL), RC_OK);
    return cipher;
}

/* A run of sectors is the same as one after the other, and the number counts 512 bytes
 * whatever the size. */
static void runs_are_sectors_in_a_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof all_ciphers / sizeof *all_ciphers; i++) {
        for (uint32_t size = 512; size <= 4096; size *= 2) {
            const char *name = all_ciphers[i].encryption;
            struct cipher *cipher = open_filled(name, all_ciphers[i].key_len, size);
            uint64_t first = UINT64_C(0xfffffff8); /* runs over 32 bits */
            static uint8_t plain[16384], whole[16384], single[16384];

            fill(plain, sizeof plain);
            assert_int_equal(cipher_encrypt(cipher, first, plain, whole, sizeof plain, NULL),
                             RC_OK);
            for (size_t at = 0; at < sizeof plain; at += size)
                assert_int_equal(cipher_encrypt(cipher, first + at / 512, plain + at,
                                                single + at, size, NULL),
                                 RC_OK);
            check(name, memcmp(whole, single, sizeof whole) == 0);
            check(name, memcmp(whole, whole + size, size) != 0);
            assert_int_equal(cipher_decrypt(cipher, first, whole, whole, sizeof whole, NULL),
                             RC_OK);
            check(name, memcmp(whole, plain, sizeof whole) == 0);
            assert_int_equal(cipher_encrypt(cipher, 0, plain, whole, size - 1, NULL),
                             RC_FORMAT);
            cipher_close(cipher);
        }
    }
}

static struct cipher *open_kind(const struct cipher_kind *kind, size_t key_len,
                                uint32_t sector_size)
{
    SCOPED(secret) key = {0};
    struct cipher *cipher;

    assert_int_equal(secret_alloc(&key, key_len, NULL), RC_OK);
    fill(key.at, key_len);
    assert_int_equal(cipher_open_kind(&cipher, kind, &key, sector_size, NULL), RC_OK);
    return cipher;
}

/* With large_iv the numbers of sectors are 0, 1, 2 whatever their size. */
static void large_sectors_are_counted_one_by_one(void **state)
{
    const struct cipher_kind *kind;

    (void)state;
    for (size_t i = 0; (kind = cipher_kind_at(i)); i++) {
        static uint8_t plain[16384], whole[16384], single[4096];
        struct cipher *cipher;

        if (kind->is_usable && !kind->is_usable())
            continue;
        cipher = open_kind(kind, kind->key_sizes[0], 4096);
        cipher->large_iv = true;
        fill(plain, sizeof plain);
        assert_int_equal(cipher_encrypt(cipher, 5, plain, whole, sizeof plain, NULL), RC_OK);
        for (unsigned n = 0; n < 4; n++) {
            assert_int_equal(cipher_encrypt(cipher, 5 + n, plain, single, 4096, NULL), RC_OK);
            check(kind->encryption, memcmp(single, whole + 4096 * (size_t)n, 4096) == 0);
        }
        cipher_close(cipher);
    }
}

/* "plain" wraps at 2^32 sectors, "plain64" does not. */
static void plain_wraps(void **state)
{
    static const struct {
        const char *encryption;
        bool wraps;
    } cases[] = {{"aes-xts-plain", true}, {"aes-xts-plain64", false}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct cipher *cipher = open_filled(cases[i].encryption, 64, UNIT);
        uint8_t plain[UNIT] = {0}, low[UNIT], high[UNIT];

        assert_int_equal(cipher_encrypt(cipher, 5, plain, low, UNIT, NULL), RC_OK);
        assert_int_equal(
            cipher_encrypt(cipher, (UINT64_C(1) << 32) + 5, plain, high, UNIT, NULL), RC_OK);
        check(cases[i].encryption, (memcmp(low, high, UNIT) == 0) == cases[i].wraps);
        cipher_close(cipher);
    }
}

/* Both ways, over the place where 32 bits end, which a large sector may straddle. */
static void compare_kinds(const struct cipher_kind *a, const struct cipher_kind *b,
                          size_t key_len, uint32_t sector_size)
{
    struct cipher *one = open_kind(a, key_len, sector_size);
    struct cipher *other = open_kind(b, key_len, sector_size);
    static uint8_t plain[65536], bytes[2][65536];

    fill(plain, sizeof plain);
    for (uint64_t first = UINT64_C(0xfffffff0); first <= UINT64_C(0x100000002); first++) {
        for (int encrypt = 0; encrypt < 2; encrypt++) {
            enum rc (*crypt)(struct cipher *, uint64_t, const void *, void *, size_t,
                             struct fault *) = encrypt ? cipher_encrypt : cipher_decrypt;

            assert_int_equal(crypt(one, first, plain, bytes[0], sizeof plain, NULL), RC_OK);
            assert_int_equal(crypt(other, first, plain, bytes[1], sizeof plain, NULL), RC_OK);
            check(a->encryption, memcmp(bytes[0], bytes[1], sizeof plain) == 0);
        }
    }
    cipher_close(one);
    cipher_close(other);
}

static void kinds_of_one_encryption_agree(void **state)
{
    const struct cipher_kind *kind;

    (void)state;
    for (size_t i = 0; (kind = cipher_kind_at(i)); i++) {
        const struct cipher_kind *chosen = cipher_find(kind->encryption);

        assert_non_null(chosen);
        if (kind->is_usable && !kind->is_usable()) {
            SCOPED(secret) key = {0};
            struct cipher *cipher;

            assert_int_equal(secret_alloc(&key, kind->key_sizes[0], NULL), RC_OK);
            assert_int_equal(cipher_open_kind(&cipher, kind, &key, 512, NULL), RC_UNSUPPORTED);
            continue;
        }
        for (size_t k = 0; k < 4 && kind->key_sizes[k] && kind != chosen; k++) {
            assert_true(cipher_takes_key(chosen, kind->key_sizes[k]));
            for (uint32_t size = 512; size <= 4096; size *= 2)
                compare_kinds(chosen, kind, kind->key_sizes[k], size);
        }
    }
}

static void other_forms_of_a_name(void **state)
{
    static const struct {
        const char *form, *name;
    } forms[] = {
        {"capi:xts(aes)-plain64", "aes-xts-plain64"},
        {"capi:xts(ecb(serpent))-plain64", "serpent-xts-plain64"},
        {"capi:cbc(aes)-essiv:sha256", "aes-cbc-essiv:sha256"},
        {"capi:essiv(cbc(aes),sha256)-plain64", "aes-cbc-essiv:sha256"},
        {"capi:ecb(twofish)-null", "twofish-ecb"},
        {"capi:adiantum(xchacha12,aes)-plain64", "xchacha12,aes-adiantum-plain64"},
        {"aes", "aes-cbc-plain"},
        {"twofish-plain", "twofish-cbc-plain"},
    };
    static const char *const none[] = {"",
                                       "-",
                                       "capi:",
                                       "capi:xts()-plain64",
                                       "capi:xts(aes-plain64",
                                       "capi:xts(aes)",
                                       "capi:rot13(aes)-plain64",
                                       "capi:xts(cipher_null)-plain64",
                                       "capi:aaaaaaaaaaaaaaaaaaaaaaaa(aes)-plain64",
                                       "xts(aes)-plain64",
                                       "aes-plain64x"};

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        check(forms[i].form, cipher_find(forms[i].form) == cipher_find(forms[i].name));
        check(forms[i].form, cipher_find(forms[i].form) != NULL);
    }
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        check(none[i], cipher_find(none[i]) == NULL);
}

static void refused(void **state)
{
    SCOPED(secret) key = {0};
    struct cipher *cipher;

    (void)state;
    assert_int_equal(secret_alloc(&key, 64, NULL), RC_OK);
    assert_int_equal(cipher_open(&cipher, "cipher_null-ecb", &key, 512, NULL), RC_UNSUPPORTED);
    assert_int_equal(cipher_open(&cipher, "aes-cbc-plain64", &key, 512, NULL), RC_UNSUPPORTED);
    assert_int_equal(cipher_open(&cipher, "aes-xts-plain64", &key, 0, NULL), RC_UNSUPPORTED);
    assert_int_equal(cipher_open(&cipher, "aes-xts-plain64", &key, 768, NULL), RC_UNSUPPORTED);
    assert_int_equal(cipher_open(&cipher, "aes-xts-plain64", &key, 8192, NULL),
                     RC_UNSUPPORTED);
    /* both halves alike: no XTS key */
    assert_int_equal(cipher_open(&cipher, "aes-xts-plain64", &key, 512, NULL), RC_UNSUPPORTED);
}

enum { THREADS = 4, TURNS = 200 };

static void *work(void *of)
{
    struct cipher *cipher = of;
    uint8_t plain[4096], bytes[4096];

    fill(plain, sizeof plain);
    for (uint64_t turn = 0; turn < TURNS; turn++) {
        if (cipher_encrypt(cipher, turn * 8, plain, bytes, sizeof bytes, NULL) != RC_OK ||
            cipher_decrypt(cipher, turn * 8, bytes, bytes, sizeof bytes, NULL) != RC_OK ||
            memcmp(plain, bytes, sizeof bytes) != 0)
            return of;
    }
    return NULL;
}

static void threads_share_a_cipher(void **state)
{
    struct cipher *cipher = open_filled("aes-cbc-essiv:sha256", 32, 512);
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, cipher), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed;

        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    cipher_close(cipher);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(xts_vectors),
                                     cmocka_unit_test(runs_are_sectors_in_a_row),
                                     cmocka_unit_test(large_sectors_are_counted_one_by_one),
                                     cmocka_unit_test(plain_wraps),
                                     cmocka_unit_test(refused),
                                     cmocka_unit_test(other_forms_of_a_name),
                                     cmocka_unit_test(kinds_of_one_encryption_agree),
                                     cmocka_unit_test(threads_share_a_cipher)};

    return cmocka_run_group_tests(all, NULL, NULL);
}
