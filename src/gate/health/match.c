#include "gate/health/match.h"

static bool in_ranges(const struct match_test *test, unsigned code)
{
    for (size_t i = 0; i < test->ranges_count; i++)
        if (code >= test->ranges[i].first && code <= test->ranges[i].last)
            return true;
    return false;
}

static bool fits(const struct match_test *test, struct span text)
{
    uint32_t at[2], count;

    if (test->regex)
        return regex_match(test->regex, text, at, 1, &count);
    return test->value.at ? span_equal(text, test->value) : true;
}

/* "! =" holds for a header that is not there; a header that repeats fits with any of its lines. */
static bool header_fits(const struct match_test *test, const struct head *head)
{
    for (uint32_t i = 0; i < head->count; i++)
        if (span_equal_nocase(field_name(head, &head->fields[i]), test->name) &&
            fits(test, field_value(head, &head->fields[i])))
            return true;
    return false;
}

static bool holds(const struct match_test *test, const struct h1_response *answer,
                  struct span body)
{
    switch (test->what) {
    case MATCH_STATUS:
        return in_ranges(test, answer->code) != test->negated;
    case MATCH_HEADER:
        return header_fits(test, &answer->head) != test->negated;
    case MATCH_BODY:
        return fits(test, body) != test->negated;
    }
    return false;
}

enum rc match_holds(const struct match *match, const struct h1_response *answer,
                    struct span body, struct fault *why)
{
    if (!match && (answer->code < 200 || answer->code > 399))
        return fail(why, RC_FORMAT, "its status is %u", answer->code);
    for (size_t i = 0; match && i < match->count; i++) {
        const struct match_test *test = &match->tests[i];

        if (holds(test, answer, body))
            continue;
        if (test->what == MATCH_STATUS)
            return fail(why, RC_FORMAT, "its status %u does not match \"%.*s\"", answer->code,
                        SPAN_ARG(match->name));
        if (test->what == MATCH_HEADER)
            return fail(why, RC_FORMAT, "its header \"%.*s\" does not match \"%.*s\"",
                        SPAN_ARG(test->name), SPAN_ARG(match->name));
        return fail(why, RC_FORMAT, "its body does not match \"%.*s\"", SPAN_ARG(match->name));
    }
    return RC_OK;
}
