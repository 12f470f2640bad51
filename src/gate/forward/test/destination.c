#include "gate/forward/destination.h"

#include <stdio.h>

#include "base/test/check.h"

static struct destination to(const char *host, uint16_t port, const char *address)
{
    struct destination d = {.host = span_text(host), .port = port};

    check(address, address_from_literal(span_text(address), port, &d.address) == RC_OK);
    return d;
}

static const struct {
    const char *address;
    bool is_private;
} addresses[] = {
    {"127.0.0.1", true},
    {"127.255.0.9", true},
    {"10.1.2.3", true},
    {"172.16.0.1", true},
    {"172.31.255.255", true},
    {"172.32.0.1", false},
    {"192.168.7.7", true},
    {"169.254.169.254", true},
    {"100.64.0.1", true},
    {"100.128.0.1", false},
    {"0.0.0.0", true},
    {"224.0.0.1", true},
    {"255.255.255.255", true},
    {"8.8.8.8", false},
    {"1.1.1.1", false},
    {"[::1]", true},
    {"[::]", true},
    {"[fe80::1]", true},
    {"[fd00:ec2::254]", true},
    {"[::ffff:10.0.0.1]", true},
    {"[::ffff:8.8.8.8]", false},
    {"[64:ff9b::7f00:1]", true},
    {"[64:ff9b::808:808]", false},
    {"[2002:7f00:1::]", true},
    {"[::127.0.0.1]", true},
    {"[2606:4700::1]", false},
    {"[2001:db8::1]", true},
    {"[ff02::1]", true},
    {"[3fff::1]", true},
    {"[5f00::1]", true},
    {"[64:ff9b::a9fe:a9fe]", true},
    {"[64:ff9b:1::808:808]", true},
    {"[2001:0:7f00:1::]", true},
    {"198.18.0.1", true},
    {"168.63.129.16", true},
    {"168.63.129.17", false},
};

static void addresses_that_are_not_for_everybody(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct destination d = to("x", 80, addresses[i].address);

        check(addresses[i].address,
              destination_is_private(&d.address) == addresses[i].is_private);
    }
}

static void without_rules_the_public_web_alone(void **state)
{
    struct destination web = to("a.example", 443, "8.8.8.8"),
                       mail = to("a.example", 25, "8.8.8.8"),
                       inside = to("a.example", 80, "192.168.1.1");

    (void)state;
    assert_true(destination_is_allowed(NULL, 0, false, &web));
    assert_false(destination_is_allowed(NULL, 0, false, &mail));
    assert_false(destination_is_allowed(NULL, 0, false, &inside));
    assert_true(destination_is_allowed(NULL, 0, true, &inside));
}

static void the_first_rule_that_fits_decides(void **state)
{
    const struct destination_rule rules[] = {
        {.deny = true, .host = SPAN("bad.example.com")},
        {.suffix = SPAN(".example.com"), .port = 8080, .last_port = 8080},
        {.deny = true, .is_private = true},
        {.port = 25, .last_port = 25},
        {.port = 7000, .last_port = 7099},
    };
    static const struct {
        const char *host, *address;
        uint16_t port;
        bool allowed;
    } cases[] = {
        {"bad.example.com", "8.8.8.8", 8080, false},
        {"BAD.example.com.", "8.8.8.8", 8080, false},
        {"good.example.com", "10.0.0.1", 8080, true},
        {"example.com", "10.0.0.1", 8080, true},
        {"notexample.com", "8.8.8.8", 8080, false},
        {"good.example.com", "10.0.0.1", 80, false},
        {"mail.test", "8.8.8.8", 25, true},
        {"mail.test", "8.8.8.8", 26, false},
        {"a.test", "8.8.8.8", 7000, true},
        {"a.test", "8.8.8.8", 7099, true},
        {"a.test", "8.8.8.8", 7100, false},
        {"www.test", "8.8.8.8", 80, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct destination d = to(cases[i].host, cases[i].port, cases[i].address);

        check(cases[i].host, destination_is_allowed(rules, sizeof rules / sizeof *rules, false,
                                                    &d) == cases[i].allowed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_that_are_not_for_everybody),
        cmocka_unit_test(without_rules_the_public_web_alone),
        cmocka_unit_test(the_first_rule_that_fits_decides),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
