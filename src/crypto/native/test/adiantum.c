#include "crypto/native/adiantum.h"

#include "base/test/check.h"
#include "codec/hex.h"

/* Of the authors' own vectors (github.com/google/adiantum): tweaks of 32 bytes, messages that
 * do and do not end on a unit of NH. */
static const struct {
    unsigned rounds;
    const char *key, *tweak, *plain, *cipher;
} vectors[] = {
    {12, "849e2ec7f8a3516c1c88c70f533d3d15c9fd5040dcef098b0182ec2985a869f8",
     "fd83bb8ca3cfd15ad022c85456cab254c41f8972fda52e3a1e32dc4ecd69607f",
     "a202039b0f6117a5d28bae83d939cd2050513f51dc0d3497017adf14cdfc01",
     "9e541c8b1121366fd9262c782ccde2047e5717c6771ed28dd391998d88e48d"},
    {12, "a52824341a3cd8f705918fee851f357f803dfc9b94f6fc9e190900a904314f11",
     "a1ba4995ff346db8cd875d5efdea85db8a7b5eb25d57dd62aca98c41429475b7",
     "69b4e88c37e86782f1ec5d04e5149113dff2871b69811d71709e9c3bde497011"
     "a0a3db0d544f6669d7db80a7709268ce81042cc6abaee56015e96fefaa8fa7a7"
     "638ff2f077f1a8eae1b71f9eab9e4b3f07875b6fcda8afb9fa700b52b8a8a79e"
     "075fa60eb39b791379c33e8d1c2c68c8511d3c7b7d79772a5665c5542328b003",
     "9e16abed4ba7425ac6fb4e76ffbe03a00fe3adbae4982b0e2148a0b865482748"
     "845454b29a947be64b29e9cf0591801a3af34196851d9f74515663fa7c288549"
     "f72ff9f21846f53380a33cceb25793f5aebda9f57b30c49366e0307716e4a031"
     "ba70bc6813f5b09ac1fc7efe55805c4874a6aaa3acdcc2f58dde34867860758d"},
    {20, "d5dcfebdb80d6cdbedcd07142b51dd7aa6438992d1fbf5bbf06d636a9a644fed",
     "6ded0466fedae083e41a9df4ed9078db81738bc1602277e1f12473cf0219ce3f",
     "cb451d0fba647e9cd18218d08677b19a2003289715c64c9ae1e91c6e2f75fa",
     "dfcc9d31a17ed8420d448a0b4a2064dd80f23e1cedfa8a7dd7bf422443cf11"},
    {20, "a52824341a3cd8f705918fee851f357f803dfc9b94f6fc9e190900a904314f11",
     "a1ba4995ff346db8cd875d5efdea85db8a7b5eb25d57dd62aca98c41429475b7",
     "69b4e88c37e86782f1ec5d04e5149113dff2871b69811d71709e9c3bde497011"
     "a0a3db0d544f6669d7db80a7709268ce81042cc6abaee56015e96fefaa8fa7a7"
     "638ff2f077f1a8eae1b71f9eab9e4b3f07875b6fcda8afb9fa700b52b8a8a79e"
     "075fa60eb39b791379c33e8d1c2c68c8511d3c7b7d79772a5665c5542328b003",
     "b18ba00577a84d591b8e21fc3a49fad4eb36f3c4dfdcae67073f700ee966f50c"
     "304d66c9a42f739c13c84944cc0a909d7cdd193fea728d58abe7092cecb544d2"
     "caa62d7a5c9c2b15ec2aa66991f9f313f772c1c140d5e194f429a13e2502a83e"
     "94c19114a114cbbe674cb938fea7aa3229620db2f63c5857c1d55abbd6a62ae5"},
};

static size_t bytes_of(const char *text, uint8_t *out, size_t size)
{
    size_t len;

    assert_int_equal(hex_decode(span_text(text), out, size, &len), RC_OK);
    return len;
}

static void published_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        SCOPED(adiantum) adiantum = {0};
        SCOPED(secret) key = {0};
        uint8_t bytes[32], tweak[32], from[2][128], made[128];
        size_t len;

        bytes_of(vectors[i].key, bytes, sizeof bytes);
        assert_int_equal(secret_copy(&key, span_of(bytes, sizeof bytes), NULL), RC_OK);
        assert_int_equal(adiantum_init(&adiantum, vectors[i].rounds, &key, NULL), RC_OK);
        bytes_of(vectors[i].tweak, tweak, sizeof tweak);
        bytes_of(vectors[i].cipher, from[0], sizeof from[0]);
        len = bytes_of(vectors[i].plain, from[1], sizeof from[1]);
        for (int encrypt = 0; encrypt < 2; encrypt++) {
            struct adiantum_tools tools;

            assert_int_equal(adiantum_tools_init(&tools, &adiantum, encrypt, NULL), RC_OK);
            assert_true(
                adiantum_crypt(&adiantum, &tools, encrypt, tweak, from[encrypt], made, len));
            check(vectors[i].key, memcmp(made, from[!encrypt], len) == 0);
            assert_false(
                adiantum_crypt(&adiantum, &tools, encrypt, tweak, from[encrypt], made, 15));
            adiantum_tools_clear(&tools);
        }
    }
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(published_vectors)};

    return cmocka_run_group_tests(all, NULL, NULL);
}
