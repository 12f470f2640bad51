#include "crypto/mac.h"

#include "base/test/check.h"
#include "codec/hex.h"

/* RFC 4231, test cases 2 and 6 (a key longer than a block); RFC 2202, case 2 for SHA-1 */
static const struct {
    const char *hash, *key, *data, *code;
} vectors[] = {
    {"sha256", "Jefe", "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"sha512", "Jefe", "what do ya want for nothing?",
     "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
     "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
    {"sha1", "Jefe", "what do ya want for nothing?",
     "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    {"sha256", NULL, "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
};

static void known_codes(void **state)
{
    uint8_t long_key[131];

    (void)state;
    memset(long_key, 0xaa, sizeof long_key);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct span key =
            vectors[i].key ? span_text(vectors[i].key) : span_of(long_key, sizeof long_key);
        struct span data = span_text(vectors[i].data);
        struct span pieces[2] = {span_cut(&data, 5), data};
        const struct hash *hash = hash_find(vectors[i].hash);
        uint8_t out[HASH_SIZE_MAX];
        char text[2 * HASH_SIZE_MAX + 1];

        pieces[1] = data;
        check(vectors[i].code, mac_compute(hash, key, pieces, 2, out, NULL) == RC_OK);
        check(vectors[i].code,
              strcmp(hex_encode(span_of(out, hash->size), text), vectors[i].code) == 0);
    }
}

static void an_empty_key(void **state)
{
    uint8_t out[HASH_SIZE_MAX];
    char text[2 * HASH_SIZE_MAX + 1];

    (void)state;
    assert_int_equal(mac_compute(hash_find("sha256"), SPAN(""), NULL, 0, out, NULL), RC_OK);
    assert_string_equal(hex_encode(span_of(out, 32), text),
                        "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(known_codes),
                                     cmocka_unit_test(an_empty_key)};

    return cmocka_run_group_tests(all, NULL, NULL);
}
