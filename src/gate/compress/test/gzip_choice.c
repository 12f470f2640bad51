#include "gate/compress/gzip_choice.h"

#include "base/test/check.h"
#include "gate/conf/regex.h"

static const struct {
    const char *text;
    bool accepted;
} encodings[] = {
    {"gzip", true},
    {"GZip", true},
    {"gzip, deflate, br", true},
    {"deflate,gzip", true},
    {"br;q=1.0, gzip;q=0.8, *;q=0.1", true},
    {"gzip;q=1", true},
    {"gzip; q=0.001", true},
    {"gzip;q=1.000", true},
    {"gzip;q=0", false},
    {"gzip;q=0.0", false},
    {"gzip;q=0.000", false},
    {"gzip;q=2", false},
    {"gzip;q=1.1", false},
    {"gzip;q=0.0001", false},
    {"gzip;x", false},
    {"*", false},
    {"identity", false},
    {"xgzip", false},
    {"gzipx", false},
    {"gzi", false},
    {"", false},
};

static void accepted_encodings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++)
        check(encodings[i].text,
              gzip_is_accepted(span_text(encodings[i].text)) == encodings[i].accepted);
}

/* An answer that is compressed; the cases change one thing each. */
static struct gzip_facts usual(void)
{
    return (struct gzip_facts){.version = 11,
                               .accept_encoding = SPAN("gzip"),
                               .status = 200,
                               .has_length = true,
                               .length = 20,
                               .content_type = SPAN("text/html; charset=utf-8")};
}

static struct gzip_settings settings(void)
{
    static const struct span types[] = {SPAN("application/json")};

    return (struct gzip_settings){.on = true,
                                  .types = {.types = types, .count = 1},
                                  .level = 1,
                                  .min_length = 20,
                                  .http_version = 11,
                                  .proxied = GZIP_PROXIED_OFF};
}

#define CHANGED(change, choice)                                                               \
    do {                                                                                      \
        struct gzip_settings s = settings();                                                  \
        struct gzip_facts f = usual();                                                        \
                                                                                              \
        change;                                                                               \
        check(#change, gzip_choose(&s, &f, 1000) == (choice));                                \
    } while (0)

static void each_fact(void **state)
{
    (void)state;
    CHANGED((void)0, GZIP_SQUEEZE);
    CHANGED(s.on = false, GZIP_NEVER);
    CHANGED(f.status = 403, GZIP_SQUEEZE);
    CHANGED(f.status = 404, GZIP_SQUEEZE);
    CHANGED(f.status = 206, GZIP_NEVER);
    CHANGED(f.status = 500, GZIP_NEVER);
    CHANGED(f.content_encoding = SPAN("br"), GZIP_NEVER);
    CHANGED(f.length = 19, GZIP_NEVER);
    CHANGED(f.has_length = false; f.length = 0, GZIP_SQUEEZE);
    CHANGED(f.content_type = SPAN("image/png"), GZIP_NEVER);
    CHANGED(f.content_type = SPAN(""), GZIP_NEVER);
    CHANGED(f.content_type = SPAN("TEXT/HTML ;x"), GZIP_SQUEEZE);
    CHANGED(f.content_type = SPAN("application/JSON"), GZIP_SQUEEZE);
    CHANGED(f.content_type = SPAN("application/jsonp"), GZIP_NEVER);
    CHANGED(f.content_type = SPAN("image/png"); s.types.all = true, GZIP_SQUEEZE);
    CHANGED(f.version = 10, GZIP_PLAIN);
    CHANGED(f.version = 10; s.http_version = 10, GZIP_SQUEEZE);
    CHANGED(f.accept_encoding = SPAN(""), GZIP_PLAIN);
    CHANGED(f.user_agent = SPAN("Mozilla/4.0 (MSIE 6.0)"), GZIP_SQUEEZE);
    CHANGED(f.user_agent = SPAN("Mozilla/4.0 (MSIE 6.0)"); s.disable_msie6 = true, GZIP_PLAIN);
    CHANGED(f.user_agent = SPAN("MSIE 6.0 SV1"); s.disable_msie6 = true, GZIP_SQUEEZE);
    CHANGED(f.user_agent = SPAN("MSIE 5.0 Opera"); s.disable_msie6 = true, GZIP_SQUEEZE);
}

static void answers_to_proxies(void **state)
{
    const struct span past = SPAN("Thu, 01 Jan 1970 00:00:01 GMT"),
                      later = SPAN("Thu, 01 Jan 2037 00:00:01 GMT");

    (void)state;
    CHANGED(f.has_via = true, GZIP_PLAIN);
    CHANGED(f.has_via = true; s.proxied = GZIP_PROXIED_ANY, GZIP_SQUEEZE);
    CHANGED(f.has_via = true; s.proxied = GZIP_PROXIED_AUTH;
            f.cache_control = SPAN("x"), GZIP_PLAIN);
    CHANGED(f.has_via = f.has_authorization = true;
            s.proxied = GZIP_PROXIED_AUTH, GZIP_SQUEEZE);
    CHANGED(f.has_via = true; s.proxied = GZIP_PROXIED_EXPIRED;
            f.expires = past, GZIP_SQUEEZE);
    CHANGED(f.has_via = true; s.proxied = GZIP_PROXIED_EXPIRED; f.expires = later, GZIP_PLAIN);
    CHANGED(f.has_via = true; s.proxied = GZIP_PROXIED_EXPIRED; f.expires = later;
            f.date = SPAN("Thu, 01 Jan 2038 00:00:01 GMT"), GZIP_SQUEEZE);
    CHANGED(f.has_via = true; s.proxied = GZIP_PROXIED_EXPIRED;
            f.expires = SPAN("0"), GZIP_PLAIN);
    CHANGED(f.has_via = true; s.proxied = GZIP_PROXIED_NO_CACHE; f.expires = past, GZIP_PLAIN);
    CHANGED(f.has_via = true; s.proxied = GZIP_PROXIED_NO_CACHE;
            f.cache_control = SPAN("a, No-Cache"), GZIP_SQUEEZE);
    CHANGED(f.has_via = true; s.proxied = GZIP_PROXIED_NO_STORE | GZIP_PROXIED_PRIVATE;
            f.cache_control = SPAN("private=x"), GZIP_SQUEEZE);
    CHANGED(f.has_via = true; s.proxied = GZIP_PROXIED_NO_STORE;
            f.cache_control = SPAN("private"), GZIP_PLAIN);
    CHANGED(f.has_via = true; s.proxied = GZIP_PROXIED_NO_LAST_MODIFIED;
            f.last_modified = past, GZIP_PLAIN);
    CHANGED(f.has_via = true; s.proxied = GZIP_PROXIED_NO_ETAG;
            f.last_modified = past, GZIP_SQUEEZE);
    CHANGED(f.has_via = true; s.proxied = GZIP_PROXIED_NO_ETAG;
            f.etag = SPAN("\"x\""), GZIP_PLAIN);
}

static void clients_by_expression(void **state)
{
    struct regex *regex;
    const struct regex *list[1];

    (void)state;
    assert_int_equal(regex_open(&regex, SPAN("bad(bot)?"), true, NULL), RC_OK);
    list[0] = regex;
    CHANGED(s.disable = list; s.disable_count = 1;
            f.user_agent = SPAN("BadBot/1"), GZIP_PLAIN);
    CHANGED(s.disable = list; s.disable_count = 1; f.user_agent = SPAN("good"), GZIP_SQUEEZE);
    CHANGED(s.disable = list; s.disable_count = 1, GZIP_SQUEEZE);
    regex_close(regex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_encodings),
        cmocka_unit_test(each_fact),
        cmocka_unit_test(answers_to_proxies),
        cmocka_unit_test(clients_by_expression),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
