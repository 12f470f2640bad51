#include "gate/access/access.h"

#include "base/test/check.h"

static const struct {
    const char *text;
    enum rc rc;
    uint8_t bits, prefix;
    bool loose;
} blocks[] = {
    {"192.0.2.1", RC_OK, 32, 32, false},
    {"192.0.2.0/24", RC_OK, 32, 24, false},
    {"192.0.2.1/24", RC_OK, 32, 24, true},
    {"0.0.0.0/0", RC_OK, 32, 0, false},
    {"10.128.0.0/9", RC_OK, 32, 9, false},
    {"::/0", RC_OK, 128, 0, false},
    {"2001:db8::1", RC_OK, 128, 128, false},
    {"2001:db8::/33", RC_OK, 128, 33, false},
    {"2001:db8:8000::/32", RC_OK, 128, 32, true},
    {"192.0.2.0/33", RC_FORMAT, 0, 0, false},
    {"::/129", RC_FORMAT, 0, 0, false},
    {"::/256", RC_FORMAT, 0, 0, false},
    {"192.0.2.0/", RC_FORMAT, 0, 0, false},
    {"192.0.2.0/ 8", RC_FORMAT, 0, 0, false},
    {"192.0.2.0/0008", RC_FORMAT, 0, 0, false},
    {"192.0.2", RC_FORMAT, 0, 0, false},
    {"192.0.2.256", RC_FORMAT, 0, 0, false},
    {"[::1]", RC_FORMAT, 0, 0, false},
    {"localhost", RC_FORMAT, 0, 0, false},
    {"/8", RC_FORMAT, 0, 0, false},
    {"", RC_FORMAT, 0, 0, false},
    {"0000000000000000000000000000000000000000000000000000000000000000:0", RC_FORMAT, 0, 0,
     false},
};

static void blocks_as_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        struct cidr cidr = {.prefix = 99};
        bool loose;

        check(blocks[i].text,
              cidr_parse(span_text(blocks[i].text), &cidr, &loose) == blocks[i].rc);
        if (blocks[i].rc == RC_OK) {
            check(blocks[i].text, cidr.first.bits == blocks[i].bits);
            check(blocks[i].text, cidr.prefix == blocks[i].prefix);
            check(blocks[i].text, loose == blocks[i].loose);
        } else {
            check(blocks[i].text, cidr.prefix == 99);
        }
    }
}

static void addresses_as_text(void **state)
{
    struct cidr_address address;

    (void)state;
    assert_int_equal(cidr_parse_address((struct span){0}, &address), RC_FORMAT);
    assert_int_equal(cidr_parse_address(SPAN("10.0.0.0/8"), &address), RC_FORMAT);
    assert_int_equal(cidr_parse_address(SPAN("2001:db8::1"), &address), RC_OK);
    assert_int_equal(address.bits, 128);
    assert_int_equal(cidr_parse_address(SPAN("::ffff:192.0.2.1"), &address), RC_OK);
    assert_int_equal(address.bits, 32);
    assert_memory_equal(address.bytes, "\300\0\2\1", 4);
}

static struct address address_of(const char *text)
{
    struct address address = {.len = 0};

    if (strcmp(text, "unix:") == 0)
        address.any.sa_family = AF_UNIX;
    else
        assert_int_equal(address_from_literal(span_text(text), 1, &address), RC_OK);
    return address;
}

/* Rules as "+BLOCK" and "-BLOCK". */
static size_t rules_of(const char *text, struct access_rule *rules)
{
    struct span rest = span_text(text);
    size_t count = 0;

    while (rest.len > 0) {
        struct span word = span_cut(&rest, span_find(rest, ' '));
        struct access_rule *rule = &rules[count++];
        bool loose;

        span_cut(&rest, 1);
        *rule = (struct access_rule){.whom = ACCESS_BLOCK, .deny = word.at[0] == '-'};
        span_cut(&word, 1);
        if (span_equal(word, SPAN("all")))
            rule->whom = ACCESS_ALL;
        else if (span_equal(word, SPAN("unix:")))
            rule->whom = ACCESS_UNIX;
        else
            assert_int_equal(cidr_parse(word, &rule->block, &loose), RC_OK);
    }
    return count;
}

static const struct {
    const char *rules, *address;
    bool denied;
} cases[] = {
    {"", "192.0.2.1", false},
    {"-all", "192.0.2.1", true},
    {"-all", "unix:", true},
    {"+all -all", "192.0.2.1", false},
    {"+192.0.2.0/24 -all", "192.0.2.255", false},
    {"+192.0.2.0/24 -all", "192.0.3.0", true},
    {"-192.0.2.1 +192.0.2.0/24 -all", "192.0.2.1", true},
    {"+192.0.2.0/24 -192.0.2.1 -all", "192.0.2.1", false},
    {"-192.0.2.1", "192.0.2.2", false},
    {"-0.0.0.0/0", "255.0.0.1", true},
    {"-0.0.0.0/0", "2001:db8::1", false},
    {"-::/0", "192.0.2.1", false},
    {"-::/0", "2001:db8::1", true},
    {"-192.0.2.1", "::ffff:192.0.2.1", true},
    {"-2001:db8::/33", "2001:db8:7fff::1", true},
    {"-2001:db8::/33", "2001:db8:8000::1", false},
    {"-10.128.0.0/9", "10.127.255.255", false},
    {"-10.128.0.0/9", "10.255.0.0", true},
    {"+unix: -all", "unix:", false},
    {"+unix: -all", "127.0.0.1", true},
    {"-127.0.0.1", "unix:", false},
};

static void the_first_that_fits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct access_rule rules[4];
        size_t count = rules_of(cases[i].rules, rules);
        struct address address = address_of(cases[i].address);
        const struct access_rule *rule = access_find(rules, count, &address);

        check(cases[i].rules, (rule && rule->deny) == cases[i].denied);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_as_text),
        cmocka_unit_test(addresses_as_text),
        cmocka_unit_test(the_first_that_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
