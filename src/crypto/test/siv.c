#include "crypto/siv.h"

#include "base/test/check.h"
#include "crypto/hkdf.h"

/* AES-256-SIV of "name" with two strings bound, computed with python3-cryptography. */
static void seals_as_others_do(void **state)
{
    SCOPED(secret) key = {0};
    uint8_t in[32] = {2}, one[16] = {3}, two[4] = {9}, out[48], back[32];
    static const uint8_t iv[16] = {0x62, 0x9c, 0xc6, 0xcd, 0x3b, 0x5d, 0x5a, 0x7f,
                                   0x1d, 0xa7, 0x43, 0xd9, 0x70, 0xfe, 0xdf, 0xca};
    static const uint8_t unbound_iv[16] = {0x15, 0xdd, 0x68, 0xbe, 0x52, 0xca, 0xd0, 0x79,
                                           0x09, 0x3b, 0xf6, 0xdd, 0x63, 0xc8, 0x48, 0x88};
    const struct span bound[] = {span_of(one, 16), span_of(two, 4)};
    struct siv *siv;

    (void)state;
    assert_int_equal(secret_alloc(&key, SIV_KEY, NULL), RC_OK);
    key.at[0] = 1;
    assert_int_equal(siv_open(&siv, &key, NULL), RC_OK);
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
        cmocka_unit_test(hkdf_gives_the_vector),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
