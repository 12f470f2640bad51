#include "codec/json.h"

#include "base/test/check.h"

static const struct {
    const char *what, *text;
    enum rc rc;
} cases[] = {
    {"empty object", "{}", RC_OK},
    {"spaces behind", "{} \n\t\r ", RC_OK},
    {"array", "[1,\"a\",{\"b\":null}]", RC_OK},
    {"colons and quotes in strings", "{\"a:\\\":\":\"::\\\\\",\"b\":[{\"a\":1}]}", RC_OK},
    {"the same name in two objects", "{\"a\":{\"n\":1},\"b\":{\"n\":1}}", RC_OK},
    {"a name twice", "{\"a\":1,\"a\":2}", RC_FORMAT},
    {"a name twice, deeper", "{\"x\":[{\"a\":1,\"a\":1}]}", RC_FORMAT},
    {"a name twice, once escaped", "{\"a\":1,\"\\u0061\":2}", RC_FORMAT},
    {"bytes behind", "{}x", RC_FORMAT},
    {"two objects", "{}{}", RC_FORMAT},
    {"cut off", "{\"a\":1", RC_FORMAT},
    {"nothing", "", RC_FORMAT},
    {"a number alone", "12 ", RC_FORMAT},
    {"a string alone", "\"a\"", RC_FORMAT},
    {"comma at the end", "[1,]", RC_FORMAT},
    {"comment", "{/* a */}", RC_FORMAT},
    {"single quotes", "{'a':1}", RC_FORMAT},
    {"a control character", "{\"a\n\":1}", RC_FORMAT},
    {"bad UTF-8", "{\"a\":\"\xff\"}", RC_FORMAT},
    {"NaN", "[NaN]", RC_FORMAT},
};

static void texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json *json = NULL;
        struct fault why;

        check(cases[i].what, json_parse(&json, span_text(cases[i].text), &why) == cases[i].rc);
        json_close(json);
    }
}

static void too_deep(void **state)
{
    char text[2 * JSON_DEPTH + 2];
    struct json *json = NULL;

    (void)state;
    memset(text, '[', JSON_DEPTH + 1);
    memset(text + JSON_DEPTH + 1, ']', JSON_DEPTH + 1);
    assert_int_equal(json_parse(&json, span_of(text, sizeof text), NULL), RC_FORMAT);
}

static const struct {
    const char *what, *value;
    uint64_t max;
    bool number, decimal;
    uint64_t result;
} numbers[] = {
    {"zero", "0", 10, true, false, 0},
    {"at its limit", "10", 10, true, false, 10},
    {"above it", "11", 10, false, false, 0},
    {"negative", "-1", UINT64_MAX, false, false, 0},
    {"a fraction", "1.0", 10, false, false, 0},
    {"boolean", "true", 10, false, false, 0},
    {"null", "null", 10, false, false, 0},
    {"text", "\"7\"", 10, false, true, 7},
    {"text of the largest", "\"18446744073709551615\"", UINT64_MAX, false, true, UINT64_MAX},
    {"text beyond it", "\"18446744073709551616\"", UINT64_MAX, false, false, 0},
    {"text with a sign", "\"-1\"", 10, false, false, 0},
    {"text with a space", "\" 1\"", 10, false, false, 0},
    {"empty text", "\"\"", 10, false, false, 0},
    {"text with a NUL", "\"1\\u0000\"", 10, false, false, 0},
};

static void ranges(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct text text = {0};
        struct json *json = NULL;
        struct fault why;
        uint64_t n = 0, d = 0;

        text_printf(&text, "{\"v\":%s}", numbers[i].value);
        check(numbers[i].what, json_parse(&json, text_span(&text), &why) == RC_OK);
        check(numbers[i].what,
              json_number(json_get(json, "v"), numbers[i].max, &n) == numbers[i].number);
        check(numbers[i].what,
              json_decimal(json_get(json, "v"), numbers[i].max, &d) == numbers[i].decimal);
        check(numbers[i].what, (numbers[i].number ? n : d) == numbers[i].result);
        json_close(json);
        text_clear(&text);
    }
}

static void building(void **state)
{
    struct json *json = json_new_object();
    struct json *array = json_new_array();
    struct text text = {0};
    const char *name;

    (void)state;
    assert_true(json_put(json, "list", array));
    assert_true(json_put_string(array, NULL, "a/b"));
    assert_true(json_put_number(json, "n", UINT32_MAX));
    assert_true(json_put_decimal(json, "d", UINT64_MAX));
    assert_true(json_put_string(json, "gone", ""));
    assert_false(json_put(json, "nothing", NULL));
    assert_false(json_put_string(NULL, "nowhere", ""));
    json_remove(json, "gone");
    json_write(json, &text);
    assert_true(text_ok(&text));
    assert_string_equal(
        text.at, "{\"list\":[\"a/b\"],\"n\":4294967295,\"d\":\"18446744073709551615\"}");
    assert_int_equal(json_count(json), 3);
    assert_ptr_equal(json_at(json, 0, &name), array);
    assert_string_equal(name, "list");
    assert_string_equal(json_string(json_at(array, 0, &name)), "a/b");
    assert_null(json_at(json, 3, &name));
    assert_null(json_get(array, "n"));
    assert_null(json_get(NULL, "n"));
    text_clear(&text);
    json_close(json);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(texts), cmocka_unit_test(too_deep),
                                     cmocka_unit_test(ranges), cmocka_unit_test(building)};

    return cmocka_run_group_tests(all, NULL, NULL);
}
