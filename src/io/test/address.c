#include "io/address.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/test/check.h"

static const struct {
    const char *text, *bare;
    enum rc rc;
} cases[] = {
    {"127.0.0.1:80", "127.0.0.1", RC_OK},
    {"0.0.0.0:65535", "0.0.0.0", RC_OK},
    {"[::1]:8000", "::1", RC_OK},
    {"[2001:db8::a:b]:1", "2001:db8::a:b", RC_OK},
    {"[::ffff:192.0.2.1]:443", "::ffff:192.0.2.1", RC_OK},
    {"unix:/run/gate.sock", "unix:", RC_OK},
    {"", NULL, RC_FORMAT},
    {":80", NULL, RC_FORMAT},
    {"127.0.0.1", NULL, RC_FORMAT},
    {"127.0.0.1:", NULL, RC_FORMAT},
    {"127.0.0.1:0", NULL, RC_FORMAT},
    {"127.0.0.1:65536", NULL, RC_FORMAT},
    {"127.0.0.1:+80", NULL, RC_FORMAT},
    {"127.0.0.256:80", NULL, RC_FORMAT},
    {"127.1:80", NULL, RC_FORMAT},
    {"::1:80", NULL, RC_FORMAT},
    {"[::1]", NULL, RC_FORMAT},
    {"[::1:80", NULL, RC_FORMAT},
    {"[]:80", NULL, RC_FORMAT},
    {"localhost:80", NULL, RC_FORMAT},
    {"unix:", NULL, RC_FORMAT},
    {"unix:/"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaa",
     NULL, RC_LIMIT},
};

static void what_is_parsed_is_shown_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address address;
        char text[ADDRESS_TEXT];

        check(cases[i].text, address_parse(span_text(cases[i].text), &address) == cases[i].rc);
        if (cases[i].rc != RC_OK)
            continue;
        check(cases[i].text,
              span_equal(address_text(&address, text, false), span_text(cases[i].text)));
        check(cases[i].text,
              span_equal(address_text(&address, text, true), span_text(cases[i].bare)));
    }
}

static struct address parsed(const char *text)
{
    struct address address;

    check(text, address_parse(span_text(text), &address) == RC_OK);
    return address;
}

static void equal_means_host_and_port(void **state)
{
    const char *all[] = {"127.0.0.1:80", "127.0.0.1:81", "127.0.0.2:80", "[::1]:80",
                         "[::1]:81",     "[::2]:80",     "unix:/a",      "unix:/ab"};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        for (size_t j = 0; j < sizeof all / sizeof *all; j++) {
            struct address a = parsed(all[i]), b = parsed(all[j]);

            check(all[i], address_equal(&a, &b) == (i == j));
        }
    }
}

static void a_socket_without_a_name_is_shown(void **state)
{
    struct address address = {.len = sizeof(sa_family_t), .path.sun_family = AF_UNIX};
    char text[ADDRESS_TEXT];

    (void)state;
    assert_true(span_equal(address_text(&address, text, false), SPAN("unix:")));
    assert_int_equal(address_port(&address), 0);
}

static void names_are_looked_up(void **state)
{
    struct address found[8];
    struct fault why = {0};
    size_t count = 0;

    (void)state;
    assert_int_equal(address_look_up("127.0.0.1", 80, found, 8, &count, &why), RC_OK);
    assert_int_equal(count, 1);
    assert_int_equal(address_look_up("[::1]", 80, found, 8, &count, &why), RC_OK);
    assert_int_equal(found[0].any.sa_family, AF_INET6);
    assert_int_equal(address_look_up("localhost", 8001, found, 8, &count, &why), RC_OK);
    assert_in_range(count, 1, 8);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(address_port(&found[i]), 8001);
        for (size_t j = 0; j < i; j++)
            assert_false(address_equal(&found[i], &found[j]));
    }
    assert_int_equal(address_look_up("no..such", 80, found, 8, &count, &why), RC_NOT_FOUND);
    assert_non_null(strstr(why.text, "host not found: \"no..such\": "));
}

static void every_octet_is_shown_as_the_library_does(void **state)
{
    (void)state;
    for (unsigned octet = 0; octet < 256; octet++) {
        for (unsigned place = 0; place < 32; place += 8) {
            struct address address = {.len = sizeof address.v4};
            char text[ADDRESS_TEXT], expected[INET_ADDRSTRLEN];
            struct span shown;

            address.v4.sin_family = AF_INET;
            address.v4.sin_addr.s_addr = htonl(0x0a63c801u ^ octet << place);
            inet_ntop(AF_INET, &address.v4.sin_addr, expected, sizeof expected);
            shown = address_text(&address, text, true);
            assert_true(span_equal(shown, span_text(expected)));
            assert_int_equal(text[shown.len], 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_parsed_is_shown_the_same),
        cmocka_unit_test(every_octet_is_shown_as_the_library_does),
        cmocka_unit_test(equal_means_host_and_port),
        cmocka_unit_test(a_socket_without_a_name_is_shown),
        cmocka_unit_test(names_are_looked_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
