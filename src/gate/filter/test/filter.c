#include <stdio.h>

#include "base/test/check.h"
#include "gate/filter/filter.h"
#include "gate/http/h1_request.h"
#include "gate/http/h1_response.h"

enum { FIELDS = 40 };

static const struct h1_limits limits = {
    .line_max = 1000, .field_max = 1000, .head_max = 4000, .fields_max = FIELDS};

static const struct proxy_header set_headers[] = {
    {.name = SPAN("X-Real-IP")}, {.name = SPAN("host")}, {.name = SPAN("Origin")}};
static const struct span hide[] = {SPAN("X-Powered-By"), SPAN("ETag"), SPAN("X-Both")};
static const struct span pass[] = {SPAN("server"), SPAN("x-both"), SPAN("Connection")};

static const struct proxy_settings plain = {.pass_request_headers = true};
static const struct proxy_settings full = {
    .pass_request_headers = true,
    .headers = set_headers,
    .headers_count = 3,
    .hide_headers = hide,
    .hide_headers_count = 3,
    .pass_headers = pass,
    .pass_headers_count = 3,
};
static const struct proxy_settings nothing = {0};

/* The field lines in, and those that pass, by their names. */
static const struct {
    const char *what;
    const struct proxy_settings *settings;
    const char *fields, *passed;
} requests[] = {
    {"those of the connection", &plain,
     "Host: h\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\nTE: trailers\r\nExpect: x\r\n"
     "Proxy-Connection: x\r\nAccept: x\r\nCookie: y\r\n",
     "Accept Cookie "},
    {"framing", &plain, "Host: h\r\nContent-Length: 3\r\nContent-Type: x\r\n",
     "Content-Type "},
    {"chunked", &plain, "Host: h\r\nTransfer-Encoding: chunked\r\nA: b\r\n", "A "},
    {"upgrade", &plain, "Host: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\nA: b\r\n",
     "A "},
    {"nominated", &plain,
     "Host: h\r\nX-One: 1\r\nConnection: close, x-one\r\nX-Two: 2\r\nX-Three: 3\r\n"
     "Connection: X-THREE,\r\n",
     "X-Two "},
    {"set by directives", &full,
     "Host: h\r\nX-REAL-IP: 1\r\nX-Real-IQ: 2\r\nOrigin: o\r\nReferer: r\r\nX-Both: 1\r\n",
     "X-Real-IQ Referer X-Both "},
    {"none", &nothing, "Host: h\r\nA: b\r\nCookie: c\r\n", ""},
};

static const struct {
    const char *what;
    const struct proxy_settings *settings;
    const char *fields, *passed;
} responses[] = {
    {"hidden by default", &plain,
     "Date: d\r\nServer: s\r\nX-Pad: p\r\nX-Accel-Redirect: /\r\nX-Accel-Expires: 1\r\n"
     "X-Accel-Buffering: no\r\nX-Accel-Charset: x\r\nX-Accel-Limit-Rate: 1\r\nETag: e\r\n"
     "X-Accel-Other: o\r\nX-Powered-By: me\r\n",
     "ETag X-Accel-Other X-Powered-By "},
    {"those of the connection", &plain,
     "Connection: close\r\nKeep-Alive: 1\r\nContent-Length: 3\r\nA: b\r\n", "A "},
    {"by directives", &full,
     "Date: d\r\nServer: s\r\nETag: e\r\nX-Powered-By: me\r\nX-Both: b\r\nConnection: "
     "close\r\n"
     "X-Real-IP: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n",
     "Server X-Both X-Real-IP Set-Cookie Set-Cookie "},
    {"nominated", &plain, "Connection: X-A, keep-alive\r\nX-A: 1\r\nX-B: 2\r\n", "X-B "},
};

static void add_name(struct buffer *names, const struct head *head, const struct field *field)
{
    buffer_add(names, field_name(head, field));
    buffer_add_byte(names, ' ');
}

static void fields_of_requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct arena arena = {0};
        struct filter filter;
        struct field fields[FIELDS];
        struct h1_request r = {.head = {.fields = fields, .capacity = FIELDS}};
        char names[256], *wire;
        struct buffer passed = buffer_over(names, sizeof names);
        bool nominates;

        wire = arena_printf(&arena, "GET / HTTP/1.1\r\n%s\r\n", requests[i].fields);
        assert_int_equal(filter_open(&filter, requests[i].settings, SPAN("/"), &arena, NULL),
                         RC_OK);
        assert_int_equal(h1_request_parse(&r, (uint8_t *)wire, strlen(wire), &limits, NULL),
                         RC_OK);
        nominates = filter_nominates(&r.head);
        check(requests[i].what, nominates == (strcmp(requests[i].what, "nominated") == 0));
        for (size_t f = 0; f < r.head.count; f++)
            if (!filter_request_drops(&filter, &r.head, &fields[f], nominates))
                add_name(&passed, &r.head, &fields[f]);
        check(requests[i].what,
              span_equal(buffer_span(&passed), span_text(requests[i].passed)));
        arena_clear(&arena);
    }
}

static void fields_of_responses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof responses / sizeof *responses; i++) {
        struct arena arena = {0};
        struct filter filter;
        struct field fields[FIELDS];
        struct h1_response r = {.head = {.fields = fields, .capacity = FIELDS}};
        char names[256], *wire;
        struct buffer passed = buffer_over(names, sizeof names);
        bool nominates;

        wire = arena_printf(&arena, "HTTP/1.1 200 OK\r\n%s\r\n", responses[i].fields);
        assert_int_equal(filter_open(&filter, responses[i].settings, SPAN("/"), &arena, NULL),
                         RC_OK);
        assert_int_equal(h1_response_parse(&r, (uint8_t *)wire, strlen(wire), false, false,
                                           4000, FIELDS, NULL),
                         RC_OK);
        nominates = filter_nominates(&r.head);
        for (size_t f = 0; f < r.head.count; f++)
            if (!filter_response_drops(&filter, &r.head, &fields[f], nominates))
                add_name(&passed, &r.head, &fields[f]);
        check(responses[i].what,
              span_equal(buffer_span(&passed), span_text(responses[i].passed)));
        arena_clear(&arena);
    }
}

static void directives_tell_what_gate_sends(void **state)
{
    struct arena arena = {0};
    struct filter filter;

    (void)state;
    assert_int_equal(filter_open(&filter, &plain, SPAN("/"), &arena, NULL), RC_OK);
    assert_false(filter_sets(&filter, FIELD_HOST));
    assert_false(filter_passes(&filter, FIELD_SERVER));
    assert_int_equal(filter_open(&filter, &full, SPAN("/"), &arena, NULL), RC_OK);
    assert_true(filter_sets(&filter, FIELD_HOST));
    assert_false(filter_sets(&filter, FIELD_CONNECTION));
    assert_true(filter_passes(&filter, FIELD_SERVER));
    assert_false(filter_passes(&filter, FIELD_DATE));
    arena_clear(&arena);
}

static bool get_who(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    (void)rest, (void)of;
    *value = span_text(subject);
    return true;
}

static const struct variable who = {.name = "who", .get = get_who};
static const struct template_part from_b[] = {{.literal = SPAN("http://b/two/")}};
static const struct template_part from_c[] = {{.literal = SPAN("http://c")}};
static const struct template_part constant[] = {{.literal = SPAN("http://frontend/one/")}};
static const struct template_part varying[] = {{.literal = SPAN("/of/")}, {.variable = &who}};
static const struct proxy_rewrite pairs[] = {
    {NULL, {.parts = from_b, .count = 1}, {.parts = constant, .count = 1}},
    {NULL, {.parts = from_c, .count = 1}, {.parts = varying, .count = 2}},
};

/* nginx's rules: the prefix is text, the first that fits wins. */
static const struct {
    const char *what;
    struct proxy_settings settings;
    struct span prefix;
    const char *from, *to; /* to NULL: passes unchanged */
} locations[] = {
    {"without a URI",
     {.redirect_default = true, .pass = {.is_set = true, .url = SPAN("http://b:1")}},
     SPAN("/x/"),
     "http://b:1/y",
     "/y"},
    {"host alone",
     {.redirect_default = true, .pass = {.is_set = true, .url = SPAN("http://b:1")}},
     SPAN("/x/"),
     "http://b:1",
     NULL},
    {"longer port",
     {.redirect_default = true, .pass = {.is_set = true, .url = SPAN("http://b:1")}},
     SPAN("/x/"),
     "http://b:10/y",
     NULL},
    {"with a URI",
     {.redirect_default = true,
      .pass = {.is_set = true, .has_uri = true, .url = SPAN("http://b/two/")}},
     SPAN("/one/"),
     "http://b/two/some/uri?x",
     "/one/some/uri?x"},
    {"other URI",
     {.redirect_default = true,
      .pass = {.is_set = true, .has_uri = true, .url = SPAN("http://b/two/")}},
     SPAN("/one/"),
     "http://b/three/",
     NULL},
    {"relative",
     {.redirect_default = true, .pass = {.is_set = true, .url = SPAN("http://b")}},
     SPAN("/x/"),
     "/y",
     NULL},
    {"off",
     {.redirect_off = true,
      .redirect_default = true,
      .redirects = pairs,
      .redirects_count = 2,
      .pass = {.is_set = true, .url = SPAN("http://b")}},
     SPAN("/x/"),
     "http://b/y",
     NULL},
    {"variables in proxy_pass",
     {.redirect_default = true,
      .pass = {.is_set = true, .url = SPAN("http://b"), .dynamic = &pairs[0].to}},
     SPAN("/x/"),
     "http://b/y",
     NULL},
    {"a pair",
     {.redirects = pairs, .redirects_count = 2},
     SPAN("/"),
     "http://b/two/z",
     "http://frontend/one/z"},
    {"a pair with a variable",
     {.redirects = pairs, .redirects_count = 2},
     SPAN("/"),
     "http://c/z",
     "/of/me/z"},
    {"no pair", {.redirects = pairs, .redirects_count = 2}, SPAN("/"), "http://d/", NULL},
    {"empty", {.redirects = pairs, .redirects_count = 2}, SPAN("/"), "", NULL},
};

static void locations_are_rewritten(void **state)
{
    static char me[] = "me";
    struct captures captures = {.count = 0};
    const struct rewriting_turn turn = {me, &captures};

    (void)state;
    for (size_t i = 0; i < sizeof locations / sizeof *locations; i++) {
        struct arena arena = {0};
        struct filter filter;
        char at[128], expected[128], refresh[128];
        struct buffer out = buffer_over(at, sizeof at);
        bool done;

        assert_int_equal(
            filter_open(&filter, &locations[i].settings, locations[i].prefix, &arena, NULL),
            RC_OK);
        done = filter_location(&filter, span_text(locations[i].from), &turn, &out);
        check(locations[i].what, done == (locations[i].to != NULL));
        check(locations[i].what,
              span_equal(buffer_span(&out), span_text(done ? locations[i].to : "")));

        snprintf(refresh, sizeof refresh, "5; URL=%s", locations[i].from);
        snprintf(expected, sizeof expected, "5; URL=%s", done ? locations[i].to : "");
        out.len = 0;
        done = filter_refresh(&filter, span_text(refresh), &turn, &out);
        check(locations[i].what, done == (locations[i].to != NULL));
        check(locations[i].what,
              span_equal(buffer_span(&out), span_text(done ? expected : "")));
        arena_clear(&arena);
    }
}

static void a_refresh_without_a_url_passes(void **state)
{
    struct arena arena = {0};
    struct filter filter;
    char at[8];
    struct buffer out = buffer_over(at, sizeof at);

    (void)state;
    assert_int_equal(filter_open(&filter, &plain, SPAN("/"), &arena, NULL), RC_OK);
    assert_false(filter_refresh(&filter, SPAN("5"), NULL, &out));
    assert_false(filter_refresh(&filter, SPAN("url"), NULL, &out));
    assert_false(filter_refresh(&filter, SPAN(""), NULL, &out));
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_requests),
        cmocka_unit_test(fields_of_responses),
        cmocka_unit_test(directives_tell_what_gate_sends),
        cmocka_unit_test(locations_are_rewritten),
        cmocka_unit_test(a_refresh_without_a_url_passes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
