#include "codec/base64.h"

#include "base/test/check.h"

/* RFC 4648, section 10 */
static const struct {
    const char *bytes, *text;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct text text = {0};
        uint8_t bytes[8];
        size_t len = 99;

        base64_encode(span_text(vectors[i].bytes), &text);
        check(vectors[i].text, span_equal(text_span(&text), span_text(vectors[i].text)));
        check(vectors[i].text,
              base64_decode(span_text(vectors[i].text), bytes, sizeof bytes, &len) == RC_OK);
        check(vectors[i].text, span_equal(span_of(bytes, len), span_text(vectors[i].bytes)));
        text_clear(&text);
    }
}

static void refused(void **state)
{
    static const char *const texts[] = {"Z",    "Zg",   "Zg=",    "Zh==",     "Zm9=", "=g==",
                                        "Z===", "====", "Zm9v\n", "Zg==Zg==", "Zm-v", " Zg="};
    uint8_t bytes[8];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check(texts[i],
              base64_decode(span_text(texts[i]), bytes, sizeof bytes, &len) == RC_FORMAT);
    assert_int_equal(base64_decode(SPAN("Zm9vYmFy"), bytes, 5, &len), RC_LIMIT);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(both_ways), cmocka_unit_test(refused)};

    return cmocka_run_group_tests(all, NULL, NULL);
}
