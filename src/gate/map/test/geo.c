#include "gate/map/geo.h"

#include "base/test/check.h"

static struct cidr_address address(const char *text)
{
    struct cidr cidr = {.prefix = 0};
    bool loose;

    if (*text)
        assert_int_equal(cidr_parse(span_text(text), &cidr, &loose), RC_OK);
    return cidr.first;
}

static struct geo_entry network(const char *text)
{
    struct cidr cidr;
    struct geo_entry entry;
    bool loose;

    assert_int_equal(cidr_parse(span_text(text), &cidr, &loose), RC_OK);
    entry = geo_entry_of(&cidr);
    entry.value = span_text(text);
    return entry;
}

static void networks(void **state)
{
    static const char *const given[] = {
        "10.1.0.0/16",   "10.0.0.0/8",      "10.1.2.0/24",     "192.0.2.1",      "255.0.0.0/8",
        "2001:db8::/32", "2001:db8:1::/48", "255.255.255.255", "10.255.255.255", "::/1"};
    static const struct {
        const char *address, *value;
    } cases[] = {
        {"9.255.255.255", "other"},
        {"10.0.0.0", "10.0.0.0/8"},
        {"10.1.1.255", "10.1.0.0/16"},
        {"10.1.2.0", "10.1.2.0/24"},
        {"10.1.2.255", "10.1.2.0/24"},
        {"10.1.3.0", "10.1.0.0/16"},
        {"10.2.0.0", "10.0.0.0/8"},
        {"10.255.255.255", "10.255.255.255"},
        {"11.0.0.0", "other"},
        {"192.0.2.1", "192.0.2.1"},
        {"192.0.2.2", "other"},
        {"255.255.255.254", "255.0.0.0/8"},
        {"", "255.255.255.255"},
        {"2001:db8::", "2001:db8::/32"},
        {"2001:db8:1:ffff::", "2001:db8:1::/48"},
        {"2001:db8:2::", "2001:db8::/32"},
        {"2001:db9::", "::/1"},
        {"::", "::/1"},
        {"8000::", "other"},
        {"ffff::", "other"},
        {"0.0.0.0", "other"},
    };
    struct geo_entry entries[sizeof given / sizeof *given];
    struct geo geo = {.other = SPAN("other")};
    struct arena arena = {0};

    (void)state;
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        entries[i] = network(given[i]);
    assert_int_equal(geo_build(&geo, entries, sizeof given / sizeof *given, &arena), RC_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cidr_address of = address(cases[i].address);

        check(cases[i].address, span_equal(geo_find(&geo, &of), span_text(cases[i].value)));
    }
    arena_clear(&arena);
}

static void the_later_of_two_that_are_the_same(void **state)
{
    struct geo_entry entries[2] = {network("10.0.0.0/8"), network("10.0.0.0/8")};
    struct cidr_address of = address("10.1.1.1"), out = address("11.0.0.0");
    struct geo geo = {.ranges = false};
    struct arena arena = {0};

    (void)state;
    assert_int_equal(geo_find(&geo, &of).len, 0);
    entries[1].value = SPAN("later");
    assert_int_equal(geo_build(&geo, entries, 2, &arena), RC_OK);
    assert_true(span_equal(geo_find(&geo, &of), SPAN("later")));
    assert_int_equal(geo_find(&geo, &out).len, 0);
    arena_clear(&arena);
}

static void ranges(void **state)
{
    static const char *const given[] = {"10.0.0.0-10.0.0.255", "10.0.0.5-10.0.1.5",
                                        "10.0.0.7-10.0.0.7", "255.255.255.0-255.255.255.255"};
    static const char *const wrong[] = {
        "10.0.0.1",  "10.0.0.2-10.0.0.1", "::1-::2", "10.0.0.0/8-10.0.0.1",
        "10.0.0.1-", "-10.0.0.1",         "",        "10.0.0.1-10.0.0.2-"};
    static const struct {
        const char *address;
        int value;
    } cases[] = {{"10.0.0.0", 0}, {"10.0.0.4", 0}, {"10.0.0.5", 1}, {"10.0.0.6", 1},
                 {"10.0.0.7", 2}, {"10.0.0.8", 1}, {"10.0.1.5", 1}, {"10.0.1.6", -1},
                 {"::1", 3},      {"", 3},         {"9.9.9.9", -1}, {"255.255.254.255", -1}};
    struct geo_entry entries[4];
    struct geo geo = {.ranges = true};
    struct arena arena = {0};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(geo_parse_range(span_text(given[i]), &entries[i]), RC_OK);
        entries[i].value = span_text(given[i]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct geo_entry entry;

        check(wrong[i], geo_parse_range(span_text(wrong[i]), &entry) == RC_FORMAT);
    }
    assert_int_equal(geo_build(&geo, entries, 4, &arena), RC_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cidr_address of = address(cases[i].address);
        struct span wanted =
            cases[i].value < 0 ? (struct span){0} : span_text(given[cases[i].value]);

        check(cases[i].address, span_equal(geo_find(&geo, &of), wanted));
    }
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks),
        cmocka_unit_test(the_later_of_two_that_are_the_same),
        cmocka_unit_test(ranges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
