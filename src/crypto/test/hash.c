#include "crypto/hash.h"

#include "base/test/check.h"
#include "codec/hex.h"
#include "crypto/equal.h"

/* FIPS 180-4 and FIPS 202 example "abc"; RIPEMD-160's page; RFC 7693, appendices A and B;
 * ISO/IEC 10118-3 (Whirlpool) */
static const struct {
    const char *name, *digest;
} vectors[] = {
    {"sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {"SHA256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"sha384", "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
               "8086072ba1e7cc2358baeca134c825a7"},
    {"sha512", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
               "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    {"sha3-256", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
    {"ripemd160", "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"},
    {"whirlpool", "4e2448a4c6f486bb16b6562c73b4020bf3043e3a731bce721ae1b303d97e6d4c"
                  "7181eebdb6c57e277d0e34957114cbd6c797fc9d95d8b582d225292076d4eef5"},
    {"blake2s-256", "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"},
    {"blake2b-512", "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
                    "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"},
};

static void known_digests(void **state)
{
    const struct span pieces[] = {SPAN("a"), SPAN(""), SPAN("bc")};

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct hash *hash = hash_find(vectors[i].name);
        uint8_t out[HASH_SIZE_MAX];
        char text[2 * HASH_SIZE_MAX + 1];

        check(vectors[i].name, hash != NULL);
        check(vectors[i].name, hash_compute(hash, pieces, 3, out, NULL) == RC_OK);
        check(vectors[i].name,
              strcmp(hex_encode(span_of(out, hash->size), text), vectors[i].digest) == 0);
    }
    assert_null(hash_find("md4711"));
}

static void output_over_input(void **state)
{
    uint8_t bytes[32] = "abc";
    struct span piece = span_of(bytes, 3);
    char text[65];

    (void)state;
    assert_int_equal(hash_compute(hash_find("sha256"), &piece, 1, bytes, NULL), RC_OK);
    assert_string_equal(hex_encode(span_of(bytes, 32), text), vectors[1].digest);
}

static void equality(void **state)
{
    (void)state;
    assert_true(equal_bytes(SPAN("abc"), SPAN("abc")));
    assert_true(equal_bytes(SPAN(""), SPAN("")));
    assert_false(equal_bytes(SPAN("abc"), SPAN("abd")));
    assert_false(equal_bytes(SPAN("abc"), SPAN("ab")));
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(known_digests),
                                     cmocka_unit_test(output_over_input),
                                     cmocka_unit_test(equality)};

    return cmocka_run_group_tests(all, NULL, NULL);
}
