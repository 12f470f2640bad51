#include "gate/route/server_names.h"
#include "base/test/check.h"
#include "gate/conf/regex.h"

/* What the room knows of a server is its address. */
struct server {
    const char *name;
};

static const char *const names[] = {
    "example.com",
    "*.example.com",
    "*.a.example.com",
    "www.example.*",
    "www.example.org.*",
    ".dotted.net",
    "",
    "mail.*",
    "exact.wild.com",
    "*.wild.com",
    "~^u(?<n>\\d+)\\.",
    "~^u1",
};

static const struct {
    const char *host, *name; /* NULL: none */
} cases[] = {
    {"example.com", "example.com"},
    {"b.example.com", "*.example.com"},
    {"c.b.example.com", "*.example.com"},
    {"x.a.example.com", "*.a.example.com"},
    {"a.example.com", "*.example.com"},
    {".example.com", NULL},
    {"xexample.com", NULL},
    {"www.example.net", "www.example.*"},
    {"www.example.co.uk", "www.example.*"},
    {"www.example.org.uk", "www.example.org.*"},
    {"www.example.com", "*.example.com"}, /* leading ones first */
    {"www.example", NULL},
    {"dotted.net", ".dotted.net"},
    {"x.y.dotted.net", ".dotted.net"},
    {"", ""},
    {"exact.wild.com", "exact.wild.com"},
    {"other.wild.com", "*.wild.com"},
    {"u12.test", "~^u(?<n>\\d+)\\."},
    {"u1", "~^u1"},
    {"mail.u1.com", "mail.*"},
    {"nobody", NULL},
};

static void every_case(void **state)
{
    struct server servers[sizeof names / sizeof *names];
    struct regex *regexes[sizeof names / sizeof *names] = {0};
    struct arena arena = {0};
    struct server_names *all = server_names_open(&arena);

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        servers[i].name = names[i];
        if (names[i][0] == '~')
            assert_int_equal(regex_open(&regexes[i], span_text(names[i] + 1), false, NULL),
                             RC_OK);
        check(names[i], server_names_add(all, span_text(names[i]), regexes[i], &servers[i],
                                         &arena) == RC_OK);
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct captures captures = {0};
        const struct server *found =
            server_names_find(all, span_text(cases[i].host), &captures);

        check(cases[i].host, (found != NULL) == (cases[i].name != NULL));
        if (found && strcmp(found->name, cases[i].name) != 0)
            fail_msg("%s: got %s, want %s", cases[i].host, found->name, cases[i].name);
        check(cases[i].host, (captures.count > 0) == (found && found->name[0] == '~'));
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        regex_close(regexes[i]);
    arena_clear(&arena);
}

static void refused(void **state)
{
    static const struct {
        const char *first, *second;
        enum rc rc;
    } pairs[] = {
        {"a.com", "a.com", RC_BUSY},
        {"*.a.com", "*.a.com", RC_BUSY},
        {".a.com", "a.com", RC_BUSY},
        {".a.com", "*.a.com", RC_BUSY},
        {"a.*", "a.*", RC_BUSY},
        {"a.com", "*.a.com", RC_OK},
        {"", "", RC_BUSY},
        {"x", "a*b.com", RC_FORMAT},
        {"x", "a..com", RC_FORMAT},
        {"x", "*.a.*", RC_FORMAT},
        {"x", "a.*.b", RC_FORMAT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct server one = {0}, other = {0};
        struct arena arena = {0};
        struct server_names *all = server_names_open(&arena);

        assert_int_equal(server_names_add(all, span_text(pairs[i].first), NULL, &one, &arena),
                         RC_OK);
        check(pairs[i].second, server_names_add(all, span_text(pairs[i].second), NULL, &other,
                                                &arena) == pairs[i].rc);
        arena_clear(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case),
        cmocka_unit_test(refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
