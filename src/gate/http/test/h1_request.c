#include <stdio.h>
#include <stdlib.h>

#include "base/test/check.h"
#include "gate/http/h1_request.h"

enum { ROOM = 64 };

static const struct h1_limits usual = {
    .line_max = 200, .field_max = 100, .head_max = 600, .fields_max = 10};

#define TEXT(literal) literal, sizeof(literal) - 1

/* In memory of exactly that size, so that a sanitizer sees a read behind the end. */
static enum rc parse(struct h1_request *r, const uint8_t *wire, size_t len,
                     const struct h1_limits *limits, uint8_t **copy)
{
    struct fault why = {0};
    enum rc rc;

    *copy = realloc(*copy, len > 0 ? len : 1);
    assert_non_null(*copy);
    memcpy(*copy, wire, len);
    rc = h1_request_parse(r, *copy, len, limits, &why);
    if (rc == RC_FORMAT || rc == RC_LIMIT || rc == RC_UNSUPPORTED)
        assert_true(why.text[0] && r->status >= 400);
    return rc;
}

enum {
    CHUNKED = 1,
    KEEP = 2,
    UPGRADE = 4,
    CONTINUE = 8,
    NOMINATED = 16,
};

#define HOST "Host: a\r\n"

static const struct {
    const char *what, *wire;
    size_t len;
    uint8_t method, form, version;
    const char *target, *path, *authority;
    unsigned flags;
    int64_t length; /* -1: none */
    uint32_t fields;
} accepted[] = {
    {"the least", TEXT("GET / HTTP/1.1\r\n" HOST "\r\n"), METHOD_GET, TARGET_ORIGIN, 11, "/",
     "/", "", KEEP, -1, 1},
    {"bare LF", TEXT("GET / HTTP/1.1\nHost: a\n\n"), METHOD_GET, TARGET_ORIGIN, 11, "/", "/",
     "", KEEP, -1, 1},
    {"empty lines in front", TEXT("\r\n\n\r\nHEAD /x?y HTTP/1.0\r\n\r\n"), METHOD_HEAD,
     TARGET_ORIGIN, 10, "/x?y", "/x?y", "", 0, -1, 0},
    {"HTTP/0.9", TEXT("GET /x\r\n"), METHOD_GET, TARGET_ORIGIN, 9, "/x", "/x", "", 0, -1, 0},
    {"HTTP/0.9, bare LF", TEXT("GET /x\n"), METHOD_GET, TARGET_ORIGIN, 9, "/x", "/x", "", 0,
     -1, 0},
    {"HTTP/1.0 kept", TEXT("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), METHOD_GET,
     TARGET_ORIGIN, 10, "/", "/", "", KEEP, -1, 1},
    {"HTTP/1.0 has no upgrade and no expectation",
     TEXT("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\nExpect: "
          "100-continue\r\n\r\n"),
     METHOD_GET, TARGET_ORIGIN, 10, "/", "/", "", 0, -1, 3},
    {"HTTP/1.7", TEXT("GET / HTTP/1.7\r\n" HOST "\r\n"), METHOD_GET, TARGET_ORIGIN, 11, "/",
     "/", "", KEEP, -1, 1},
    {"close", TEXT("GET / HTTP/1.1\r\n" HOST "Connection: Close\r\n\r\n"), METHOD_GET,
     TARGET_ORIGIN, 11, "/", "/", "", 0, -1, 2},
    {"close wins", TEXT("GET / HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n"), METHOD_GET,
     TARGET_ORIGIN, 10, "/", "/", "", 0, -1, 1},
    {"upgrade",
     TEXT("GET / HTTP/1.1\r\n" HOST
          "connection: keep-alive, Upgrade\r\nupgrade: websocket\r\n\r\n"),
     METHOD_GET, TARGET_ORIGIN, 11, "/", "/", "", KEEP | UPGRADE, -1, 3},
    {"upgrade without the field",
     TEXT("GET / HTTP/1.1\r\n" HOST "Connection: upgrade\r\n\r\n"), METHOD_GET, TARGET_ORIGIN,
     11, "/", "/", "", KEEP, -1, 2},
    {"two Connection fields, one nominates",
     TEXT("GET / HTTP/1.1\r\n" HOST "Connection: ,X-A\r\nConnection: close\r\n\r\n"),
     METHOD_GET, TARGET_ORIGIN, 11, "/", "/", "", NOMINATED, -1, 3},
    {"length", TEXT("POST /f HTTP/1.1\r\n" HOST "Content-Length: 0012\r\n\r\nhello"),
     METHOD_POST, TARGET_ORIGIN, 11, "/f", "/f", "", KEEP, 12, 2},
    {"longest length",
     TEXT("PUT /f HTTP/1.1\r\n" HOST "content-length:9223372036854775807\r\n\r\n"), METHOD_PUT,
     TARGET_ORIGIN, 11, "/f", "/f", "", KEEP, INT64_MAX, 2},
    {"chunked", TEXT("PATCH /f HTTP/1.1\r\n" HOST "Transfer-Encoding:\t Chunked \t\r\n\r\n"),
     METHOD_PATCH, TARGET_ORIGIN, 11, "/f", "/f", "", KEEP | CHUNKED, -1, 2},
    {"expectation", TEXT("POST / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\n\r\n"),
     METHOD_POST, TARGET_ORIGIN, 11, "/", "/", "", KEEP | CONTINUE, -1, 2},
    {"unknown expectation", TEXT("POST / HTTP/1.1\r\n" HOST "Expect: x\r\n\r\n"), METHOD_POST,
     TARGET_ORIGIN, 11, "/", "/", "", KEEP, -1, 2},
    {"unknown method", TEXT("M-SEARCH_X / HTTP/1.1\r\n" HOST "\r\n"), METHOD_OTHER,
     TARGET_ORIGIN, 11, "/", "/", "", KEEP, -1, 1},
    {"absolute", TEXT("GET http://A:80/p?q HTTP/1.1\r\n" HOST "\r\n"), METHOD_GET,
     TARGET_ABSOLUTE, 11, "http://A:80/p?q", "/p?q", "A:80", KEEP, -1, 1},
    {"absolute, no path", TEXT("GET HTTPS://a HTTP/1.1\r\nHost: a:443\r\n\r\n"), METHOD_GET,
     TARGET_ABSOLUTE, 11, "HTTPS://a", "", "a", KEEP, -1, 1},
    {"absolute, no path but a query", TEXT("GET http://a?x HTTP/1.0\r\n\r\n"), METHOD_GET,
     TARGET_ABSOLUTE, 10, "http://a?x", "?x", "a", 0, -1, 0},
    {"connect", TEXT("CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]\r\n\r\n"), METHOD_CONNECT,
     TARGET_AUTHORITY, 11, "[::1]:443", "", "[::1]:443", KEEP, -1, 1},
    {"bytes beyond ASCII and what should be escaped",
     TEXT("GET /\xc3\xa4|\"<> HTTP/1.1\r\nHost: a\r\nX: \xff\r\n\r\n"), METHOD_GET,
     TARGET_ORIGIN, 11, "/\xc3\xa4|\"<>", "/\xc3\xa4|\"<>", "", KEEP, -1, 2},
    {"names with other characters are dropped",
     TEXT("GET / HTTP/1.1\r\n" HOST "Transfer_Encoding: chunked\r\nX.Y: 1\r\n(: 1\r\n"
          "X\xc3: 1\r\n\r\n"),
     METHOD_GET, TARGET_ORIGIN, 11, "/", "/", "", KEEP, -1, 1},
    {"fields that may repeat",
     TEXT("GET / HTTP/1.1\r\n" HOST "Range: 1\r\nRange: 2\r\nX: 1\r\nX: 2\r\nCookie: a\r\n"
          "Cookie: b\r\n\r\n"),
     METHOD_GET, TARGET_ORIGIN, 11, "/", "/", "", KEEP, -1, 7},
    {"empty values", TEXT("GET / HTTP/1.1\r\n" HOST "X:\r\nY: \t \r\n\r\n"), METHOD_GET,
     TARGET_ORIGIN, 11, "/", "/", "", KEEP, -1, 3},
    {"a colon and tabs in a value", TEXT("GET / HTTP/1.1\r\n" HOST "X:\t:a\tb\r\n\r\n"),
     METHOD_GET, TARGET_ORIGIN, 11, "/", "/", "", KEEP, -1, 2},
    {"Host with port and final dot", TEXT("GET / HTTP/1.1\r\nHost: a-b_c.:65535\r\n\r\n"),
     METHOD_GET, TARGET_ORIGIN, 11, "/", "/", "", KEEP, -1, 1},
};

static unsigned flags_of(const struct h1_request *r)
{
    return (r->chunked ? CHUNKED : 0) | (r->keep_alive ? KEEP : 0) |
           (r->wants_upgrade ? UPGRADE : 0) | (r->expects_continue ? CONTINUE : 0) |
           (r->has_nominated ? NOMINATED : 0);
}

static bool is_text(struct span s, const char *text)
{
    return span_equal(s, span_text(text));
}

static void check_accepted(size_t i, const struct h1_request *r)
{
    const char *what = accepted[i].what;

    check(what, r->method == accepted[i].method);
    check(what, r->form == accepted[i].form);
    check(what, r->version == accepted[i].version);
    check(what, is_text(h1_request_target(r), accepted[i].target));
    check(what, is_text(h1_request_path(r), accepted[i].path));
    check(what, is_text(h1_request_authority(r), accepted[i].authority));
    check(what, flags_of(r) == accepted[i].flags);
    check(what, r->has_length == (accepted[i].length >= 0));
    check(what, !r->has_length || r->length == (uint64_t)accepted[i].length);
    check(what, r->head.count == accepted[i].fields);
}

/* Where the head ends: behind the empty line, or the line of HTTP/0.9. */
static size_t head_len(size_t i)
{
    const char *body = strstr(accepted[i].wire, "\r\n\r\nhello");

    return body ? (size_t)(body - accepted[i].wire) + 4 : accepted[i].len;
}

/* Afresh with each prefix, and with one state that sees every prefix after the other. */
static void requests_are_accepted_at_every_cut(void **state)
{
    uint8_t *copy = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        struct field fields[ROOM], more[ROOM];
        struct h1_request grown = {.head = {.fields = more, .capacity = ROOM}};
        const uint8_t *wire = (const uint8_t *)accepted[i].wire;

        for (size_t cut = 0; cut <= accepted[i].len; cut++) {
            struct h1_request r = {.head = {.fields = fields, .capacity = ROOM}};
            enum rc wanted = cut < head_len(i) ? RC_AGAIN : RC_OK;

            check(accepted[i].what, parse(&r, wire, cut, &usual, &copy) == wanted);
            if (wanted == RC_OK) {
                check(accepted[i].what, r.head.len == head_len(i));
                check_accepted(i, &r);
            }
            check(accepted[i].what, parse(&grown, wire, cut, &usual, &copy) == wanted);
            if (wanted == RC_OK)
                check_accepted(i, &grown);
        }
    }
    free(copy);
}

#define START "GET / HTTP/1.1\r\n"
#define TWICE(line) TEXT(START HOST line "\r\n" line "\r\n\r\n")

static const struct {
    const char *what, *wire;
    size_t len;
    uint16_t status;
} refused[] = {
    {"lower-case method", TEXT("get / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"no method", TEXT(" / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"method with a digit", TEXT("GET1 / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"method alone", TEXT("GET\r\n\r\n"), 400},
    {"TLS", TEXT("\x16\x03\x01\x02\x00\x01"), 400},
    {"tab behind the method", TEXT("GET\t/ HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"two spaces behind the method", TEXT("GET  / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"two spaces behind the target", TEXT("GET /  HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"a space in the target", TEXT("GET /a b HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"a space behind the version", TEXT("GET / HTTP/1.1 \r\n" HOST "\r\n"), 400},
    {"a tab in the target", TEXT("GET /a\tb HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"NUL in the target", TEXT("GET /a\0b HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"DEL in the target", TEXT("GET /a\x7f HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"bare CR in the request line", TEXT("GET /\rx HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"two CRs", TEXT("GET / HTTP/1.1\r\r\n" HOST "\r\n"), 400},
    {"bare CR in front", TEXT("\rGET / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"no target", TEXT("GET HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"empty target", TEXT("GET  HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"relative target", TEXT("GET a HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"asterisk with GET", TEXT("GET * HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"asterisk with OPTIONS", TEXT("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"foreign scheme", TEXT("GET ftp://a/ HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"scheme without a host", TEXT("GET http:///x HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"user information", TEXT("GET http://u@a/x HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"fragment behind the host", TEXT("GET http://a#b HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"scheme alone", TEXT("GET http:/ HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"CONNECT without a port", TEXT("CONNECT a HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"CONNECT with a path", TEXT("CONNECT / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"HTTP/0.9 with POST", TEXT("POST /x\r\n"), 400},
    {"HTTP/0.9 absolute", TEXT("GET http://a/\r\n"), 400},
    {"HTTP/0.9 with a space", TEXT("GET /x \r\n"), 400},
    {"HTTP/0.9 in words", TEXT("GET /x HTTP/0.9\r\n\r\n"), 400},
    {"HTTP/2.0", TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505},
    {"HTTP/3.1", TEXT("GET / HTTP/3.1\r\n\r\n"), 505},
    {"HTTP/2", TEXT("GET / HTTP/2\r\n\r\n"), 400},
    {"HTTP/1.10", TEXT("GET / HTTP/1.10\r\n\r\n"), 400},
    {"HTTP/01.1", TEXT("GET / HTTP/01.1\r\n\r\n"), 400},
    {"http/1.1", TEXT("GET / http/1.1\r\n\r\n"), 400},
    {"another protocol", TEXT("GET / ICAP/1.1\r\n\r\n"), 400},
    {"no Host", TEXT("GET / HTTP/1.1\r\n\r\n"), 400},
    {"no Host, absolute", TEXT("GET http://a/ HTTP/1.1\r\n\r\n"), 400},
    {"empty Host", TEXT(START "Host:\r\n\r\n"), 400},
    {"Host with a path", TEXT(START "Host: a/b\r\n\r\n"), 400},
    {"Host with a space", TEXT(START "Host: a b\r\n\r\n"), 400},
    {"Host with two hosts", TEXT(START "Host: a, b\r\n\r\n"), 400},
    {"Host with a user", TEXT(START "Host: u@a\r\n\r\n"), 400},
    {"Host with a bad port", TEXT(START "Host: a:8x\r\n\r\n"), 400},
    {"Host with a huge port", TEXT(START "Host: a:65536\r\n\r\n"), 400},
    {"Host with two ports", TEXT(START "Host: a:1:2\r\n\r\n"), 400},
    {"Host with an open bracket", TEXT(START "Host: [::1\r\n\r\n"), 400},
    {"Host with two dots", TEXT(START "Host: a..b\r\n\r\n"), 400},
    {"Host of a dot", TEXT(START "Host: .\r\n\r\n"), 400},
    {"Host and another target", TEXT("GET http://b/ HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"Host and another port", TEXT("GET http://a:81/ HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"Host in HTTP/1.0 is checked too", TEXT("GET / HTTP/1.0\r\nHost: a/\r\n\r\n"), 400},
    {"folded line", TEXT(START HOST "X: a\r\n b\r\n\r\n"), 400},
    {"folded first line", TEXT(START " X: a\r\n" HOST "\r\n"), 400},
    {"space before the colon", TEXT(START HOST "Content-Length : 3\r\n\r\n"), 400},
    {"tab before the colon", TEXT(START HOST "Content-Length\t: 3\r\n\r\n"), 400},
    {"space in a name", TEXT(START HOST "A B: 3\r\n\r\n"), 400},
    {"no colon", TEXT(START HOST "X\r\n\r\n"), 400},
    {"no name", TEXT(START HOST ": x\r\n\r\n"), 400},
    {"NUL in a name", TEXT(START HOST "X\0: x\r\n\r\n"), 400},
    {"CR in a name", TEXT(START HOST "X\r: x\r\n\r\n"), 400},
    {"NUL in a value", TEXT(START HOST "X: a\0b\r\n\r\n"), 400},
    {"bare CR in a value", TEXT(START HOST "X: a\rb\r\n\r\n"), 400},
    {"two CRs behind a value", TEXT(START HOST "X: a\r\r\n\r\n"), 400},
    {"control byte in a value", TEXT(START HOST "X: a\x0b\r\n\r\n"), 400},
    {"DEL in a value", TEXT(START HOST "X: a\x7f\r\n\r\n"), 400},
    {"control byte in the value of a dropped name", TEXT(START HOST "X_: a\x01\r\n\r\n"), 400},
    {"bare CR as the last line", TEXT(START HOST "\rX: a\r\n\r\n"), 400},
    {"negative length", TEXT(START HOST "Content-Length: -1\r\n\r\n"), 400},
    {"signed length", TEXT(START HOST "Content-Length: +1\r\n\r\n"), 400},
    {"empty length", TEXT(START HOST "Content-Length:\r\n\r\n"), 400},
    {"hexadecimal length", TEXT(START HOST "Content-Length: 0x1\r\n\r\n"), 400},
    {"two lengths in one", TEXT(START HOST "Content-Length: 5, 5\r\n\r\n"), 400},
    {"a blank in a length", TEXT(START HOST "Content-Length: 5 5\r\n\r\n"), 400},
    {"length of 2^63", TEXT(START HOST "Content-Length: 9223372036854775808\r\n\r\n"), 400},
    {"length of 2^64 + 1", TEXT(START HOST "Content-Length: 18446744073709551617\r\n\r\n"),
     400},
    {"length and chunked",
     TEXT(START HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
    {"chunked and length",
     TEXT(START HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"), 400},
    {"length and unknown coding",
     TEXT(START HOST "Content-Length: 5\r\nTransfer-Encoding: gzip\r\n\r\n"), 400},
    {"coding in HTTP/1.0",
     TEXT("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"), 400},
    {"unknown coding", TEXT(START HOST "Transfer-Encoding: gzip\r\n\r\n"), 501},
    {"identity", TEXT(START HOST "Transfer-Encoding: identity\r\n\r\n"), 501},
    {"almost chunked", TEXT(START HOST "Transfer-Encoding: xchunked\r\n\r\n"), 501},
    {"gzip, chunked", TEXT(START HOST "Transfer-Encoding: gzip;q=1, chunked\r\n\r\n"), 501},
    {"chunked, gzip", TEXT(START HOST "Transfer-Encoding: chunked, gzip\r\n\r\n"), 400},
    {"chunked twice", TEXT(START HOST "Transfer-Encoding: chunked, chunked\r\n\r\n"), 400},
    {"chunked behind a comma", TEXT(START HOST "Transfer-Encoding: ,chunked\r\n\r\n"), 400},
    {"chunked with a parameter", TEXT(START HOST "Transfer-Encoding: chunked;a\r\n\r\n"), 400},
    {"quoted chunked", TEXT(START HOST "Transfer-Encoding: \"chunked\"\r\n\r\n"), 400},
    {"empty coding", TEXT(START HOST "Transfer-Encoding:\r\n\r\n"), 400},
    {"two codings", TWICE("Transfer-Encoding: chunked"), 400},
    {"Host twice", TEXT(START HOST HOST "\r\n"), 400},
    {"Content-Length twice", TWICE("Content-Length: 5"), 400},
    {"Expect twice", TWICE("Expect: 100-continue"), 400},
    {"Authorization twice", TWICE("Authorization: x"), 400},
    {"Proxy-Authorization twice", TWICE("Proxy-Authorization: x"), 400},
    {"If-Modified-Since twice", TWICE("If-Modified-Since: x"), 400},
    {"If-Unmodified-Since twice", TWICE("If-Unmodified-Since: x"), 400},
    {"If-Match twice", TWICE("If-Match: x"), 400},
    {"If-None-Match twice", TWICE("If-None-Match: x"), 400},
    {"If-Range twice", TWICE("If-Range: x"), 400},
    {"Content-Range twice", TWICE("Content-Range: x"), 400},
};

static void requests_are_refused_at_every_cut(void **state)
{
    uint8_t *copy = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct field fields[ROOM];
        enum rc rc = RC_AGAIN;

        for (size_t cut = 0; cut <= refused[i].len; cut++) {
            struct h1_request r = {.head = {.fields = fields, .capacity = ROOM}};

            rc = parse(&r, (const uint8_t *)refused[i].wire, cut, &usual, &copy);
            check(refused[i].what, rc != RC_OK);
            check(refused[i].what, rc == RC_AGAIN || r.status == refused[i].status);
            check(refused[i].what, r.version >= 10); /* the refusal needs a status line */
        }
        check(refused[i].what, rc != RC_AGAIN);
    }
    free(copy);
}

/* A head with a target, a value and a number of fields as long as the limits allow, or one
 * beyond. */
static size_t head_of(uint8_t *to, size_t target, size_t value, size_t fields)
{
    size_t len = 0;

    len += (size_t)sprintf((char *)to, "GET /%0*d HTTP/1.0\r\n", (int)target - 1, 0);
    len += (size_t)sprintf((char *)to + len, "X: %0*d\r\n", (int)value, 0);
    for (size_t i = 1; i < fields; i++)
        len += (size_t)sprintf((char *)to + len, "Y: %zu\r\n", i);
    return len + (size_t)sprintf((char *)to + len, "\r\n");
}

static void limits_are_kept(void **state)
{
    static const struct {
        const char *what;
        size_t target, value, fields;
        uint32_t head_max;
        uint16_t status;
    } cases[] = {
        {"all at their limits", 200 - 13, 97, 10, 600, 0},
        {"line too long", 200 - 12, 9, 1, 600, 414},
        {"field too long", 9, 98, 1, 600, 494},
        {"too many fields", 9, 9, 11, 600, 494},
        {"as long as allowed", 9, 9, 1, 40, 0},
        {"head too long", 9, 9, 1, 39, 494},
        {"line beyond the head", 90, 9, 1, 60, 414},
    };
    uint8_t wire[1024], *copy = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = head_of(wire, cases[i].target, cases[i].value, cases[i].fields);
        struct h1_limits limits = usual;
        enum rc rc = RC_AGAIN;

        limits.head_max = cases[i].head_max;
        for (size_t cut = 0; cut <= len; cut++) {
            struct field fields[ROOM];
            struct h1_request r = {.head = {.fields = fields, .capacity = ROOM}};

            rc = parse(&r, wire, cut, &limits, &copy);
            check(cases[i].what, rc != RC_LIMIT || r.status == cases[i].status);
            check(cases[i].what, rc != RC_OK || cut == len);
        }
        check(cases[i].what, rc == (cases[i].status ? RC_LIMIT : RC_OK));
    }
    free(copy);
}

static void more_room_is_asked_for(void **state)
{
    static const char wire[] = START HOST "A: b\r\nC: d\r\n\r\n";
    struct field fields[3];
    struct h1_request r = {.head = {.fields = fields, .capacity = 2}};

    (void)state;
    assert_int_equal(
        h1_request_parse(&r, (const uint8_t *)wire, sizeof wire - 1, &usual, NULL), RC_MEMORY);
    r.head.capacity = 3;
    assert_int_equal(
        h1_request_parse(&r, (const uint8_t *)wire, sizeof wire - 1, &usual, NULL), RC_OK);
    assert_int_equal(r.head.count, 3);
}

static void invalid_names_are_governed(void **state)
{
    static const char token[] = START HOST "X_Y: 1\r\nX.Y: 2\r\n\r\n";
    static const char strange[] = START HOST "X(: 1\r\n\r\n";
    struct field fields[ROOM];
    struct h1_request r = {.head = {.fields = fields, .capacity = ROOM}};
    struct h1_limits limits = usual;

    (void)state;
    limits.underscores = true;
    assert_int_equal(
        h1_request_parse(&r, (const uint8_t *)token, sizeof token - 1, &limits, NULL), RC_OK);
    assert_int_equal(r.head.count, 2);
    assert_true(is_text(field_name(&r.head, &fields[1]), "X_Y"));
    limits.keep_invalid = true;
    limits.underscores = false;
    assert_int_equal(
        h1_request_parse(&r, (const uint8_t *)token, sizeof token - 1, &limits, NULL), RC_OK);
    assert_int_equal(r.head.count, 3);
    assert_int_equal(
        h1_request_parse(&r, (const uint8_t *)strange, sizeof strange - 1, &limits, NULL),
        RC_FORMAT);
    assert_int_equal(r.status, 400);
}

static void fields_are_views(void **state)
{
    static const char wire[] =
        START "X-One:  a b \t\r\nhOST:\ta:80\r\nCookie: x\r\ncookie: y\r\n\r\n";
    struct field fields[ROOM];
    struct h1_request r = {.head = {.fields = fields, .capacity = ROOM}};

    (void)state;
    assert_int_equal(
        h1_request_parse(&r, (const uint8_t *)wire, sizeof wire - 1, &usual, NULL), RC_OK);
    assert_true(is_text(field_name(&r.head, &fields[0]), "X-One"));
    assert_true(is_text(field_value(&r.head, &fields[0]), "a b"));
    assert_ptr_equal(head_find(&r.head, FIELD_HOST), &fields[1]);
    assert_true(is_text(field_value(&r.head, &fields[1]), "a:80"));
    assert_ptr_equal(head_find(&r.head, FIELD_COOKIE), &fields[2]);
    assert_true(head_repeats(&r.head, FIELD_COOKIE));
    assert_false(head_repeats(&r.head, FIELD_HOST));
    assert_null(head_find(&r.head, FIELD_EXPECT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_accepted_at_every_cut),
        cmocka_unit_test(requests_are_refused_at_every_cut),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(more_room_is_asked_for),
        cmocka_unit_test(invalid_names_are_governed),
        cmocka_unit_test(fields_are_views),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
