#include "crypto/siv.h"

#include "base/test/check.h"
#include "crypto/hkdf.h"

static struct siv *open_kind(const struct siv_kind *kind, const uint8_t key[SIV_KEY])
{
    return kind->is_usable && !kind->is_usable() ? NULL : kind->open(kind, key);
}

/* AES-256-SIV of 32 bytes with two strings bound and with none, computed with python3-cryptography. */
static void seals_as_others_do(void **state)
{
    static const uint8_t iv[16] = {0x62, 0x9c, 0xc6, 0xcd, 0x3b, 0x5d, 0x5a, 0x7f,
                                   0x1d, 0xa7, 0x43, 0xd9, 0x70, 0xfe, 0xdf, 0xca};
    static const uint8_t unbound_iv[16] = {0x15, 0xdd, 0x68, 0xbe, 0x52, 0xca, 0xd0, 0x79,
                                           0x09, 0x3b, 0xf6, 0xdd, 0x63, 0xc8, 0x48, 0x88};
    uint8_t in[32] = {2}, one[16] = {3}, two[4] = {9}, out[48], back[32];
    const struct span bound[] = {span_of(one, 16), span_of(two, 4)};
    const uint8_t key[SIV_KEY] = {1};
    const struct siv_kind *kind;

    (void)state;
    for (size_t k = 0; (kind = siv_kind_at(k)); k++) {
        struct siv *siv = open_kind(kind, key);

        if (!siv)
            continue;
        assert_true(siv_seal(siv, bound, 2, in, sizeof in, out));
        assert_memory_equal(out, iv, 16);
        assert_true(siv_unseal(siv, bound, 2, out, sizeof out, back));
        assert_memory_equal(back, in, sizeof in);
        for (size_t i = 0; i < sizeof out; i++) {
            out[i] ^= 1;
            assert_false(siv_unseal(siv, bound, 2, out, sizeof out, back));
            out[i] ^= 1;
        }
        assert_false(siv_unseal(siv, bound, 1, out, sizeof out, back));
        assert_false(siv_unseal(siv, bound, 2, out, SIV_TAG, back));
        assert_true(siv_seal(siv, NULL, 0, in, sizeof in, out));
        assert_memory_equal(out, unbound_iv, 16);
        assert_true(siv_unseal(siv, NULL, 0, out, sizeof out, back));
        siv_close(siv);
    }
}

enum { LEN_MAX = 700, BOUND_MAX = 70 };

/* Texts and bound strings of every length, whole blocks and others: what one seals the others do alike, and open. */
static void all_kinds_agree(void **state)
{
    uint8_t in[LEN_MAX], key[SIV_KEY], right[LEN_MAX + SIV_TAG], out[LEN_MAX + SIV_TAG];
    struct siv *first = NULL;
    const struct siv_kind *kind;

    (void)state;
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i * 2654435761u >> 11);
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(i * 40503u >> 3);
    for (size_t k = 0; (kind = siv_kind_at(k)); k++) {
        struct siv *siv = open_kind(kind, key);

        if (siv && !first) {
            first = siv;
            continue;
        }
        for (size_t len = 1; siv && len <= LEN_MAX; len++) {
            const struct span bound[] = {span_of(in + 3, len % BOUND_MAX),
                                         span_of(in, len * 7 % BOUND_MAX), span_of(in, 16)};

            assert_true(siv_seal(first, bound, len % 4, in, len, right));
            assert_true(siv_seal(siv, bound, len % 4, in, len, out));
            assert_memory_equal(out, right, SIV_TAG + len);
            assert_true(siv_unseal(first, bound, len % 4, out, SIV_TAG + len, right));
            assert_memory_equal(right, in, len);
            out[len] ^= 0x10;
            assert_false(siv_unseal(first, bound, len % 4, out, SIV_TAG + len, right));
        }
        siv_close(siv);
    }
    siv_close(first);
}

static void wants_a_whole_key(void **state)
{
    SCOPED(secret) key = {0};
    struct siv *siv;

    (void)state;
    assert_int_equal(secret_alloc(&key, SIV_KEY, NULL), RC_OK);
    assert_int_equal(siv_open(&siv, &key, NULL), RC_OK);
    siv_close(siv);
    secret_cut(&key, 32);
    assert_int_equal(siv_open(&siv, &key, NULL), RC_USAGE);
}

/* RFC 5869, test case 3: no salt, no info. */
static void hkdf_gives_the_vector(void **state)
{
    SCOPED(secret) key = {0};
    SCOPED(secret) out = {0};
    static const uint8_t okm[] = {
        0x8d, 0xa4, 0xe7, 0x75, 0xa5, 0x63, 0xc1, 0x8f, 0x71, 0x5f, 0x80, 0x2a, 0x06, 0x3c,
        0x5a, 0x31, 0xb8, 0xa1, 0x1f, 0x5c, 0x5e, 0xe1, 0x87, 0x9e, 0xc3, 0x45, 0x4e, 0x5f,
        0x3c, 0x73, 0x8d, 0x2d, 0x9d, 0x20, 0x13, 0x95, 0xfa, 0xa4, 0xb6, 0x1a, 0x96, 0xc8};
    static const uint8_t prk[32] = {0x19, 0xef, 0x24, 0xa3, 0x2c, 0x71, 0x7b, 0x16,
                                    0x7f, 0x33, 0xa9, 0x1d, 0x6f, 0x64, 0x8b, 0xdf,
                                    0x96, 0x59, 0x67, 0x76, 0xaf, 0xdb, 0x63, 0x77,
                                    0xac, 0x43, 0x4c, 0x1c, 0x29, 0x3c, 0xcb, 0x04};
    uint8_t block[HKDF_BLOCK];

    (void)state;
    assert_int_equal(secret_alloc(&key, 22, NULL), RC_OK);
    memset(key.at, 0x0b, 22);
    assert_int_equal(secret_alloc(&out, sizeof okm, NULL), RC_OK);
    assert_int_equal(hkdf_derive(&key, span_of("", 0), &out, NULL), RC_OK);
    assert_memory_equal(out.at, okm, sizeof okm);
    assert_int_equal(hkdf_expand_block(prk, span_of("", 0), block, NULL), RC_OK);
    assert_memory_equal(block, okm, sizeof block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seals_as_others_do),
        cmocka_unit_test(all_kinds_agree),
        cmocka_unit_test(wants_a_whole_key),
        cmocka_unit_test(hkdf_gives_the_vector),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
