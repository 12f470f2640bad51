#include "codec/base64url.h"

#include "base/test/check.h"

/* RFC 4648, section 10, without the padding; the last two show the alphabet. */
static const struct {
    const char *bytes, *text;
} cases[] = {
    {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
    {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "-_-_"},
};

static void both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span bytes = span_text(cases[i].bytes), text = span_text(cases[i].text);
        uint8_t back[8];
        char out[16];

        base64url_encode(bytes, out);
        assert_string_equal(out, cases[i].text);
        assert_int_equal(text.len, BASE64URL_LEN(bytes.len));
        assert_int_equal(base64url_decode(text, back, sizeof back), bytes.len);
        assert_memory_equal(back, bytes.at, bytes.len);
        if (bytes.len > 0)
            assert_int_equal(base64url_decode(text, back, bytes.len - 1), -1);
    }
}

static void refused(void **state)
{
    static const char *const wrong[] = {
        "Z", "Zh", "Zm9", "Zg==", "Zm9+", "Zm9/", "Zm9 ", "Zm9vZ"};
    uint8_t out[8];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(base64url_decode(span_text(wrong[i]), out, sizeof out), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_ways), cmocka_unit_test(refused)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
