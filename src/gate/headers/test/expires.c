#include "gate/headers/expires.h"

#include <stdlib.h>

#include "base/test/check.h"

enum { NOW = 784111777 }; /* Sun, 06 Nov 1994 08:49:37 GMT */

static const struct {
    const char *text;
    bool modified;
    const char *problem;
    enum expires_kind kind;
    int64_t seconds;
} forms[] = {
    {"epoch", false, NULL, EXPIRES_EPOCH, 0},
    {"max", false, NULL, EXPIRES_MAX, 0},
    {"off", false, NULL, EXPIRES_OFF, 0},
    {"0", false, NULL, EXPIRES_ACCESS, 0},
    {"1h30m", false, NULL, EXPIRES_ACCESS, 5400},
    {"+5", false, NULL, EXPIRES_ACCESS, 5},
    {"-1", false, NULL, EXPIRES_ACCESS, -1},
    {"1y", false, NULL, EXPIRES_ACCESS, 365 * 86400},
    {"@15h30m", false, NULL, EXPIRES_DAILY, 55800},
    {"@24h", false, NULL, EXPIRES_DAILY, 86400},
    {"1d", true, NULL, EXPIRES_MODIFIED, 86400},
    {"-1d", true, NULL, EXPIRES_MODIFIED, -86400},
    {"@25h", false, "daily time value must be less than 24 hours", 0, 0},
    {"@1h", true, "daily time cannot be used with \"modified\" parameter", 0, 0},
    {"max", true, "invalid value", 0, 0},
    {"", false, "invalid value", 0, 0},
    {"soon", false, "invalid value", 0, 0},
    {"5ms", false, "invalid value", 0, 0},
    {"--5", false, "invalid value", 0, 0},
    {"9999999999999", false, "invalid value", 0, 0},
};

static void every_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct expires expires = {.seconds = 7};
        const char *problem =
            expires_parse(span_text(forms[i].text), forms[i].modified, &expires);

        check(forms[i].text, !problem == !forms[i].problem);
        if (problem) {
            check(forms[i].text, strcmp(problem, forms[i].problem) == 0);
            check(forms[i].text, expires.seconds == 7);
        } else {
            check(forms[i].text, expires.kind == forms[i].kind);
            check(forms[i].text, expires.seconds == forms[i].seconds);
        }
    }
}

static const struct {
    const char *what;
    struct expires expires;
    bool has_modified;
    const char *text;
} answers[] = {
    {"off", {EXPIRES_OFF, 0}, false, ""},
    {"epoch",
     {EXPIRES_EPOCH, 0},
     false,
     "Expires: Thu, 01 Jan 1970 00:00:01 GMT\r\nCache-Control: no-cache\r\n"},
    {"max",
     {EXPIRES_MAX, 0},
     false,
     "Expires: Thu, 31 Dec 2037 23:55:55 GMT\r\nCache-Control: max-age=315360000\r\n"},
    {"zero",
     {EXPIRES_ACCESS, 0},
     false,
     "Expires: Sun, 06 Nov 1994 08:49:37 GMT\r\nCache-Control: max-age=0\r\n"},
    {"an hour",
     {EXPIRES_ACCESS, 3600},
     true,
     "Expires: Sun, 06 Nov 1994 09:49:37 GMT\r\nCache-Control: max-age=3600\r\n"},
    {"stale",
     {EXPIRES_ACCESS, -1},
     false,
     "Expires: Sun, 06 Nov 1994 08:49:36 GMT\r\nCache-Control: no-cache\r\n"},
    {"behind a change",
     {EXPIRES_MODIFIED, 3600},
     true,
     "Expires: Sun, 06 Nov 1994 09:33:17 GMT\r\nCache-Control: max-age=2620\r\n"},
    {"a change that is unknown",
     {EXPIRES_MODIFIED, 3600},
     false,
     "Expires: Sun, 06 Nov 1994 09:49:37 GMT\r\nCache-Control: max-age=3600\r\n"},
    {"long past a change",
     {EXPIRES_MODIFIED, 5},
     true,
     "Expires: Sun, 06 Nov 1994 08:33:22 GMT\r\nCache-Control: no-cache\r\n"},
    {"later today",
     {EXPIRES_DAILY, 55800},
     false,
     "Expires: Sun, 06 Nov 1994 15:30:00 GMT\r\nCache-Control: max-age=24023\r\n"},
    {"tomorrow",
     {EXPIRES_DAILY, 3600},
     false,
     "Expires: Mon, 07 Nov 1994 01:00:00 GMT\r\nCache-Control: max-age=58223\r\n"},
    {"midnight",
     {EXPIRES_DAILY, 0},
     false,
     "Expires: Mon, 07 Nov 1994 00:00:00 GMT\r\nCache-Control: max-age=54623\r\n"},
};

static void every_answer(void **state)
{
    const time_t modified = NOW - 980;

    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        char room[256];
        struct buffer out = buffer_over(room, sizeof room);

        expires_write(&answers[i].expires, NOW, answers[i].has_modified ? &modified : NULL,
                      &out);
        check(answers[i].what, span_equal(buffer_span(&out), span_text(answers[i].text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form),
        cmocka_unit_test(every_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
