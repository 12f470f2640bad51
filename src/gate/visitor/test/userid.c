/* Identifiers of clients: read whatever their end, never made twice, and written as nginx does. */
#include "gate/visitor/userid.h"

#include <endian.h>

#include "base/test/check.h"

static const struct {
    const char *value;
    enum rc rc;
    uint32_t first, last;
} cases[] = {
    {"AQIDBAUGBwgJCgsMDQ4PEA==", RC_OK, 0x04030201, 0x100f0e0d},
    {"AQIDBAUGBwgJCgsMDQ4PEA", RC_OK, 0x04030201, 0x100f0e0d},
    {"AQIDBAUGBwgJCgsMDQ4PEP", RC_OK, 0x04030201, 0x100f0e0d},
    {"AQIDBAUGBwgJCgsMDQ4PEAx=", RC_OK, 0x04030201, 0x100f0e0d},
    {"/////////////////////w==", RC_OK, 0xffffffff, 0xffffffff},
    {"AQIDBAUGBwgJCgsMDQ4PE", RC_LIMIT, 0, 0},
    {"", RC_LIMIT, 0, 0},
    {"AQIDBAUGBwgJCgsMDQ4P-A==", RC_FORMAT, 0, 0},
    {"AQIDBAUGBwgJCgsMDQ4P==A=", RC_FORMAT, 0, 0},
};

static void every_value_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct userid id;

        check(cases[i].value, userid_read(span_text(cases[i].value), &id) == cases[i].rc);
        check(cases[i].value,
              id.parts[0] == htole32(cases[i].first) && id.parts[3] == htole32(cases[i].last));
    }
}

static void no_two_are_the_same(void **state)
{
    const struct userid_settings kinds[] = {
        {.on = USERID_ON},
        {.on = USERID_V1},
        {.on = USERID_ON, .has_service = true, .service = 7}};
    const uint8_t local[4] = {192, 0, 2, 1};

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct userid before = {0};

        for (int n = 0; n < 1000; n++) {
            struct userid id;

            userid_make(&kinds[i], local, 1700000000, &id);
            assert_true(userid_is_set(&id));
            assert_int_not_equal(id.parts[3], before.parts[3]);
            before = id;
        }
        assert_int_equal(before.parts[1],
                         kinds[i].on == USERID_V1 ? 1700000000u : htobe32(1700000000u));
        if (i == 0)
            assert_memory_equal(before.parts, local, 4);
        else
            assert_int_equal(before.parts[0], htobe32((uint32_t)kinds[i].service));
    }
}

static struct span fields(const struct userid_settings *s, struct buffer *out)
{
    struct userid id;

    assert_int_equal(userid_read(SPAN("AQIDBAUGBwgJCgsMDQ4PEA=="), &id), RC_OK);
    userid_write_fields(s, &id, 1700000000, out);
    assert_false(out->full);
    return buffer_span(out);
}

static void fields_are_nginxs(void **state)
{
    char room[512];
    struct buffer out = buffer_over(room, sizeof room);
    struct userid_settings s = {.name = SPAN("uid"), .path = SPAN("/")};

    (void)state;
    assert_true(span_equal(fields(&s, &out),
                           SPAN("Set-Cookie: uid=AQIDBAUGBwgJCgsMDQ4PEA==; path=/\r\n")));
    s.expires_s = 86400;
    s.domain = SPAN("a.test");
    s.p3p = SPAN("CP=\"x\"");
    s.mark = 'Z';
    s.flags = USERID_SECURE | USERID_HTTP_ONLY | USERID_LAX;
    out.len = 0;
    assert_true(span_equal(
        fields(&s, &out),
        SPAN("Set-Cookie: uid=AQIDBAUGBwgJCgsMDQ4PEAZ=; expires=Wed, 15-Nov-23 22:13:20 GMT; "
             "domain=a.test; path=/; secure; httponly; samesite=lax\r\nP3P: CP=\"x\"\r\n")));
    s = (struct userid_settings){.name = SPAN("u"), .path = SPAN("/"), .expires_max = true};
    out.len = 0;
    assert_true(
        span_equal(fields(&s, &out), SPAN("Set-Cookie: u=AQIDBAUGBwgJCgsMDQ4PEA==; "
                                          "expires=Thu, 31-Dec-37 23:55:55 GMT; path=/\r\n")));
}

static void a_mark_is_found(void **state)
{
    (void)state;
    assert_true(userid_has_mark(SPAN("AQIDBAUGBwgJCgsMDQ4PEAZ="), 'Z'));
    assert_false(userid_has_mark(SPAN("AQIDBAUGBwgJCgsMDQ4PEAZ"), 'Z'));
    assert_false(userid_has_mark(SPAN("AQIDBAUGBwgJCgsMDQ4PEA=="), 'Z'));
    assert_false(userid_has_mark(SPAN(""), '='));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_read),
        cmocka_unit_test(no_two_are_the_same),
        cmocka_unit_test(fields_are_nginxs),
        cmocka_unit_test(a_mark_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
