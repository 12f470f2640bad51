#include "gate/respond/status.h"
#include "base/test/check.h"

#define PAGE_404                                                                              \
    "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n"                       \
    "<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n"        \
    "</body>\r\n</html>\r\n"
#define PAGE_497                                                                              \
    "<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>" \
    "\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n"                             \
    "<center>The plain HTTP request was sent to HTTPS port</center>\r\n"                      \
    "<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"

/* As nginx 1.22.1 answers `return CODE;`: its status line, and the length of its page. */
static const struct {
    unsigned code;
    const char *line;
    size_t page;
} cases[] = {
    {200, "200 OK", 0},
    {203, "203 ", 0},
    {206, "206 Partial Content", 0},
    {301, "301 Moved Permanently", 169},
    {302, "302 Moved Temporarily", 145},
    {303, "303 See Other", 153},
    {304, "304 Not Modified", 0},
    {305, "305 ", 0},
    {307, "307 Temporary Redirect", 171},
    {308, "308 Permanent Redirect", 171},
    {400, "400 Bad Request", 157},
    {401, "401 Unauthorized", 179},
    {402, "402 Payment Required", 167},
    {403, "403 Forbidden", 153},
    {404, "404 Not Found", 153},
    {405, "405 Not Allowed", 157},
    {406, "406 Not Acceptable", 163},
    {407, "407 ", 0},
    {409, "409 Conflict", 151},
    {410, "410 Gone", 143},
    {411, "411 Length Required", 165},
    {412, "412 Precondition Failed", 173},
    {413, "413 Request Entity Too Large", 183},
    {414, "414 Request-URI Too Large", 177},
    {415, "415 Unsupported Media Type", 179},
    {416, "416 Requested Range Not Satisfiable", 197},
    {418, "418 ", 0},
    {421, "421 Misdirected Request", 173},
    {429, "429 Too Many Requests", 169},
    {494, "400 Bad Request", 233},
    {495, "400 Bad Request", 215},
    {496, "400 Bad Request", 237},
    {497, "400 Bad Request", 255},
    {498, "498 ", 153},
    {500, "500 Internal Server Error", 177},
    {501, "501 Not Implemented", 165},
    {502, "502 Bad Gateway", 157},
    {503, "503 Service Temporarily Unavailable", 197},
    {504, "504 Gateway Time-out", 167},
    {505, "505 HTTP Version Not Supported", 187},
    {507, "507 Insufficient Storage", 175},
    {511, "511 ", 0},
};

static void lines_and_pages_are_those_of_nginx(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[64], page[STATUS_PAGE_MAX];
        struct buffer to_line = buffer_over(line, sizeof line);
        struct buffer to_page = buffer_over(page, sizeof page);

        status_write(cases[i].code, &to_line);
        check(cases[i].line, span_equal(buffer_span(&to_line), span_text(cases[i].line)));
        status_page(cases[i].code, SPAN("nginx/1.22.1"), false, &to_page);
        check(cases[i].line, to_page.len == cases[i].page);
    }
}

static void a_page_has_every_byte(void **state)
{
    char at[STATUS_PAGE_MAX];
    struct buffer page = buffer_over(at, sizeof at);

    (void)state;
    status_page(404, SPAN("nginx/1.22.1"), false, &page);
    assert_true(span_equal(buffer_span(&page), SPAN(PAGE_404)));
    page = buffer_over(at, sizeof at);
    status_page(497, SPAN("nginx/1.22.1"), false, &page);
    assert_true(span_equal(buffer_span(&page), SPAN(PAGE_497)));
}

static void the_longest_page_fits(void **state)
{
    (void)state;
    for (unsigned code = 0; code < 1000; code++) {
        char at[STATUS_PAGE_MAX];
        struct buffer page = buffer_over(at, sizeof at);
        size_t bare;

        status_page(code, status_server(true, true), false, &page);
        bare = page.len;
        page = buffer_over(at, sizeof at);
        status_page(code, status_server(true, true), true, &page);
        assert_false(page.full);
        assert_int_equal(page.len, bare + (bare && code >= 400 ? 6 * 67 : 0));
    }
}

static void what_breaks_framing_ends_the_connection(void **state)
{
    (void)state;
    assert_true(status_ends_connection(400));
    assert_true(status_ends_connection(STATUS_TO_HTTPS));
    assert_true(status_ends_connection(501));
    assert_true(status_ends_connection(STATUS_CLOSE));
    assert_false(status_ends_connection(404));
    assert_false(status_ends_connection(502));
    assert_true(status_is_silent(444));
    assert_false(status_is_silent(404));
}

static void the_server_has_a_name(void **state)
{
    (void)state;
    assert_true(span_equal(status_server(false, true), SPAN("gate/" KEEPGATE_VERSION)));
    assert_true(span_equal(status_server(false, false), SPAN("gate")));
    assert_true(span_equal(status_server(true, false), SPAN("nginx")));
    assert_true(span_starts(status_server(true, true), SPAN("nginx/1.")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_and_pages_are_those_of_nginx),
        cmocka_unit_test(a_page_has_every_byte),
        cmocka_unit_test(the_longest_page_fits),
        cmocka_unit_test(what_breaks_framing_ends_the_connection),
        cmocka_unit_test(the_server_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
