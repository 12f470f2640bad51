#include "codec/utf8.h"

#include "base/test/check.h"

static const struct {
    const char *text;
    bool plain;
} cases[] = {
    {"", true},
    {"alice", true},
    {"J\xc3\xbcrgen", true},
    {"\xe2\x82\xac", true},
    {"\xf0\x9f\x94\x91", true},
    {"\xf4\x8f\xbf\xbf", true},  /* U+10FFFF */
    {"\xf4\x90\x80\x80", false}, /* beyond */
    {"\xc0\xaf", false},         /* a longer form of "/" */
    {"\xe0\x80\xaf", false},
    {"\xf0\x80\x80\xaf", false},
    {"\xed\xa0\x80", false}, /* a surrogate */
    {"\xed\x9f\xbf", true},  /* the last before them */
    {"\xc3", false},         /* cut short */
    {"\xe2\x82", false},
    {"\xe2\x41\x41", false}, /* not continued */
    {"\x80", false},
    {"\xff", false},
    {"a\nb", false},
    {"\x1b[2J", false},
    {"\x7f", false},
    {"\xc2\x9b", false}, /* CSI as one character */
    {"\xc2\xa0", true},
};

static void every_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(cases[i].text, utf8_is_plain(span_text(cases[i].text)) == cases[i].plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_case)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
