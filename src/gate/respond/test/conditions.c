#include "gate/respond/conditions.h"
#include "base/test/check.h"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"

static const struct validators both = {
    .etag = {(const uint8_t *)"\"a-1\"", 5}, .has_modified = true, .modified = 784111777};
static const struct validators none = {0};
static const struct validators weak = {.etag = {(const uint8_t *)"W/\"a-1\"", 7}};

static const struct {
    const char *what;
    const struct validators *validators;
    const char *match, *none_match, *modified, *unmodified;
    unsigned status;
} cases[] = {
    {"nothing asked", &both, NULL, NULL, NULL, NULL, 200},
    {"same tag", &both, NULL, "\"a-1\"", NULL, NULL, 304},
    {"weak comparison", &both, NULL, "W/\"a-1\"", NULL, NULL, 304},
    {"weak tag here", &weak, NULL, "\"a-1\"", NULL, NULL, 304},
    {"other tag", &both, NULL, "\"a-2\"", NULL, NULL, 200},
    {"in a list", &both, NULL, "\"x\", \"a-1\" ,\"y\"", NULL, NULL, 304},
    {"comma within a tag", &both, NULL, "\"x,\"a-1\"", NULL, NULL, 200},
    {"comma within another tag", &both, NULL, "\"x,y\",\"a-1\"", NULL, NULL, 304},
    {"empty members", &both, NULL, ", ,\"a-1\"", NULL, NULL, 304},
    {"any tag", &both, NULL, "*", NULL, NULL, 304},
    {"no quotes", &both, NULL, "a-1", NULL, NULL, 200},
    {"longer tag", &both, NULL, "\"a-1\"x", NULL, NULL, 200},
    {"empty", &both, NULL, "", NULL, NULL, 200},
    {"no tag here", &none, NULL, "\"a-1\"", NULL, NULL, 200},

    {"same date", &both, NULL, NULL, DATE, NULL, 304},
    {"older copy", &both, NULL, NULL, BEFORE, NULL, 200},
    {"later date is not this one", &both, NULL, NULL, AFTER, NULL, 200},
    {"RFC 850", &both, NULL, NULL, "Sunday, 06-Nov-94 08:49:37 GMT", NULL, 304},
    {"no date", &both, NULL, NULL, "yesterday", NULL, 200},
    {"no date here", &none, NULL, NULL, DATE, NULL, 200},
    {"both agree", &both, NULL, "\"a-1\"", DATE, NULL, 304},
    {"tag differs", &both, NULL, "\"b\"", DATE, NULL, 200},
    {"date differs", &both, NULL, "\"a-1\"", BEFORE, NULL, 200},

    {"match", &both, "\"a-1\"", NULL, NULL, NULL, 200},
    {"match any", &both, "*", NULL, NULL, NULL, 200},
    {"match in a list", &both, "\"x\",\"a-1\"", NULL, NULL, NULL, 200},
    {"no match", &both, "\"a-2\"", NULL, NULL, NULL, 412},
    {"a weak tag never matches", &both, "W/\"a-1\"", NULL, NULL, NULL, 412},
    {"nor one here", &weak, "W/\"a-1\"", NULL, NULL, NULL, 412},
    {"match without a tag", &none, "\"a-1\"", NULL, NULL, NULL, 412},
    {"match, not modified", &both, "\"a-1\"", "\"a-1\"", NULL, NULL, 304},

    {"unmodified", &both, NULL, NULL, NULL, DATE, 200},
    {"unmodified since later", &both, NULL, NULL, NULL, AFTER, 200},
    {"modified since", &both, NULL, NULL, NULL, BEFORE, 412},
    {"unmodified since no date", &both, NULL, NULL, NULL, "now", 412},
    {"unmodified without a date", &none, NULL, NULL, NULL, DATE, 412},
};

static struct span field(const char *text)
{
    return text ? span_text(text) : (struct span){0};
}

static void every_case_has_its_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conditions c = {.if_match = field(cases[i].match),
                               .if_none_match = field(cases[i].none_match),
                               .if_modified_since = field(cases[i].modified),
                               .if_unmodified_since = field(cases[i].unmodified)};

        check(cases[i].what, conditions_check(&c, cases[i].validators) == cases[i].status);
    }
}

static const struct {
    const char *what, *value;
    const struct validators *validators;
    bool allowed;
} ranges[] = {
    {"no field", NULL, &both, true},          {"same tag", "\"a-1\"", &both, true},
    {"other tag", "\"a-2\"", &both, false},   {"weak tag", "W/\"a-1\"", &weak, false},
    {"no tag here", "\"a-1\"", &none, false}, {"same date", DATE, &both, true},
    {"older date", BEFORE, &both, false},     {"later date", AFTER, &both, false},
    {"no date", "x", &both, false},           {"empty", "", &both, false},
    {"no date here", DATE, &none, false},
};

static void if_range_is_exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        struct conditions c = {.if_range = field(ranges[i].value)};

        check(ranges[i].what,
              conditions_allow_range(&c, ranges[i].validators) == ranges[i].allowed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_has_its_status),
        cmocka_unit_test(if_range_is_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
