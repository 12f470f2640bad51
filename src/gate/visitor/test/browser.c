/* Browsers, by what they say of themselves. */
#include "gate/visitor/browser.h"
#include "base/test/check.h"

#define MSIE "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)"
#define FIREFOX "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0"

static const struct {
    const char *agent; /* NULL: none */
    const char *name, *version;
    bool unlisted, netscape4;
    const char *ancient;
    bool modern;
} cases[] = {
    {MSIE, "msie", "5.5", false, false, NULL, true},
    {MSIE, "msie", "6.0", false, false, NULL, true},
    {MSIE, "msie", "6.0.1", false, false, NULL, false},
    {MSIE, "MSIE", "6.0.1", true, false, NULL, false},
    {MSIE " Opera 8.0", "msie", "5", true, false, NULL, false},
    {FIREFOX, "msie", "5", true, false, NULL, true},
    {MSIE, "gecko", "1.0", false, false, NULL, false},
    {MSIE, NULL, NULL, true, false, "MSIE 6", false},
    {MSIE, NULL, NULL, true, true, NULL, false},
    {MSIE, NULL, NULL, false, false, NULL, false},
    {FIREFOX, "gecko", "1.0.0", false, true, NULL, true},
    {FIREFOX, "gecko", "115.1", false, false, NULL, false},
    {FIREFOX, NULL, NULL, true, true, "Lynx", true},
    {"Opera/9.01 (X11; U; en)", "opera", "9.0", false, false, NULL, true},
    {"Opera/9.01 (X11; U; en)", "opera", "9.02", false, false, NULL, false},
    {MSIE " Opera 8.0", "opera", "8", false, false, NULL, true},
    {"Opera", "opera", "0", false, false, NULL, false},
    {"rv:99", "gecko", "1", false, false, NULL, false},
    {"", "gecko", "1", false, false, NULL, false},
    {NULL, "gecko", "1", false, false, NULL, false},
    {NULL, NULL, NULL, true, false, "x", true},
    {"Mozilla/5.0 (X) Safari/99999999999999999999999.1", "safari", "4000.99.99.99", false,
     false, NULL, true},
};

static void every_agent_is_one_or_the_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct browser_modern modern = {0};
        struct span ancient = span_text(cases[i].ancient ? cases[i].ancient : "");
        struct browser_settings s = {.modern = &modern,
                                     .modern_count = cases[i].name != NULL,
                                     .ancient = &ancient,
                                     .ancient_count = cases[i].ancient != NULL,
                                     .unlisted = cases[i].unlisted,
                                     .netscape4 = cases[i].netscape4};
        const char *agent = cases[i].agent;

        if (cases[i].name) {
            modern.kind = browser_find(span_text(cases[i].name));
            assert_non_null(modern.kind);
            assert_true(browser_parse_version(span_text(cases[i].version), &modern.version));
        }
        check(agent ? agent : "none",
              browser_is_modern(&s, agent ? span_text(agent) : (struct span){0}) ==
                  cases[i].modern);
    }
}

static void names_and_versions(void **state)
{
    uint64_t version;

    (void)state;
    assert_null(browser_find(SPAN("netscape")));
    assert_true(browser_parse_version(SPAN("4000.99.99.99"), &version));
    assert_int_equal(version, 4000999999);
    assert_false(browser_parse_version(SPAN("4.x"), &version));
}

static void who_is_msie(void **state)
{
    (void)state;
    assert_true(browser_is_msie(SPAN(MSIE)));
    assert_false(browser_is_msie(SPAN(MSIE " Opera 8.0")));
    assert_false(browser_is_msie(SPAN("MSIE 6.")));
    assert_false(browser_is_msie(SPAN("")));
    assert_false(browser_is_msie((struct span){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_agent_is_one_or_the_other),
        cmocka_unit_test(names_and_versions),
        cmocka_unit_test(who_is_msie),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
