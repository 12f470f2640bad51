#include "gate/proxy_protocol/proxy_protocol.h"

#include "base/test/check.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"

static const struct {
    const char *what;
    struct span wire;
    enum rc rc;
    const char *from, *to; /* "": not said */
} cases[] = {
    {"TCP4", SPAN("PROXY TCP4 192.0.2.1 192.0.2.2 5 80\r\n"), RC_OK, "192.0.2.1:5",
     "192.0.2.2:80"},
    {"TCP6", SPAN("PROXY TCP6 2001:db8::1 ::1 65535 443\r\n"), RC_OK, "[2001:db8::1]:65535",
     "[::1]:443"},
    {"UNKNOWN", SPAN("PROXY UNKNOWN ff whatever\r\n"), RC_OK, "", ""},
    {"port too large", SPAN("PROXY TCP4 192.0.2.1 192.0.2.2 65536 80\r\n"), RC_FORMAT, "", ""},
    {"a word more", SPAN("PROXY TCP4 192.0.2.1 192.0.2.2 5 80 x\r\n"), RC_FORMAT, "", ""},
    {"a word less", SPAN("PROXY TCP4 192.0.2.1 192.0.2.2 5\r\n"), RC_FORMAT, "", ""},
    {"IPv6 in TCP4", SPAN("PROXY TCP4 ::1 ::1 5 80\r\n"), RC_FORMAT, "", ""},
    {"bare LF", SPAN("PROXY TCP4 192.0.2.1 192.0.2.2 5 80\n"), RC_FORMAT, "", ""},
    {"no PROXY", SPAN("GET / HTTP/1.1\r\n\r\n"), RC_FORMAT, "", ""},
    {"v2, IPv4", SPAN(SIG "\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\0\x05\0\x50"), RC_OK,
     "192.0.2.1:5", "192.0.2.2:80"},
    {"v2 with a TLV",
     SPAN(SIG "\x21\x11\0\x10\xc0\0\x02\x01\xc0\0\x02\x02\0\x05\0\x50\x04\0\x01x"), RC_OK,
     "192.0.2.1:5", "192.0.2.2:80"},
    {"v2, LOCAL", SPAN(SIG "\x20\0\0\0"), RC_OK, "", ""},
    {"v2, too short for IPv4", SPAN(SIG "\x21\x11\0\x04\xc0\0\x02\x01"), RC_FORMAT, "", ""},
    {"v3", SPAN(SIG "\x31\x11\0\0"), RC_FORMAT, "", ""},
    {"v2, too long", SPAN(SIG "\x21\x11\xff\xff"), RC_LIMIT, "", ""},
};

static bool is_at(const struct address *address, const char *text)
{
    char shown[ADDRESS_TEXT];

    if (text[0] == '\0')
        return address->len == 0;
    return span_equal(address_text(address, shown, false), span_text(text));
}

static void every_case_at_every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct proxy_protocol said;
        size_t used = 0;

        check(cases[i].what, proxy_protocol_parse(cases[i].wire, &said, &used) == cases[i].rc);
        check(cases[i].what, is_at(&said.from, cases[i].from) && is_at(&said.to, cases[i].to));
        check(cases[i].what, cases[i].rc != RC_OK || used == cases[i].wire.len);
        for (size_t cut = 0; cases[i].rc == RC_OK && cut < cases[i].wire.len; cut++)
            check(cases[i].what, proxy_protocol_parse(span_of(cases[i].wire.at, cut), &said,
                                                      &used) == RC_AGAIN);
    }
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int version = 1; version <= 2; version++) {
            uint8_t bytes[PROXY_PROTOCOL_WRITTEN];
            struct buffer out = buffer_over(bytes, sizeof bytes);
            struct proxy_protocol said, again;
            size_t used = 0;

            if (proxy_protocol_parse(cases[i].wire, &said, &used) != RC_OK)
                continue;
            proxy_protocol_write(version, &said, &out);
            check(cases[i].what, !out.full);
            check(cases[i].what,
                  proxy_protocol_parse(buffer_span(&out), &again, &used) == RC_OK);
            check(cases[i].what, used == out.len && is_at(&again.from, cases[i].from) &&
                                     is_at(&again.to, cases[i].to));
        }
    }
}

static void a_line_without_an_end_is_not_waited_for(void **state)
{
    char line[200] = "PROXY UNKNOWN ";
    struct proxy_protocol said;
    size_t used;

    (void)state;
    memset(line + 14, 'x', sizeof line - 14);
    assert_int_equal(proxy_protocol_parse(span_of(line, sizeof line), &said, &used),
                     RC_FORMAT);
}

static void pieces_are_found_by_name(void **state)
{
    static const struct span more = SPAN("\x01\0\x02h2"
                                         "\x20\0\x10"
                                         "\x07\0\0\1\2"
                                         "\x22\0\x03"
                                         "joe"
                                         "\x23\0\x02"
                                         "AA"
                                         "\xea\0\x01v"
                                         "\x02\0\x09x");
    static const struct {
        const char *name;
        struct span value; /* at NULL: it is not there */
    } pieces[] = {{"alpn", SPAN("h2")},
                  {"0x1", SPAN("h2")},
                  {"ssl_verify", SPAN("\0\0\1\2")},
                  {"ssl_cn", SPAN("joe")},
                  {"0xEA", SPAN("v")},
                  {"0xeb", {0}},
                  {"0x", {0}},
                  {"0xeag", {0}},
                  {"authority", {0}}, /* it says that it is longer than all there is */
                  {"ssl_version", {0}},
                  {"nosuch", {0}}};

    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct span value = {0};
        bool is_there = proxy_protocol_find(more, span_text(pieces[i].name), &value);

        check(pieces[i].name, is_there == (pieces[i].value.at != NULL));
        check(pieces[i].name, !is_there || span_equal(value, pieces[i].value));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_found_by_name),
        cmocka_unit_test(every_case_at_every_cut),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_line_without_an_end_is_not_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
