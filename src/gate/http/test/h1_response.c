#include <stdlib.h>

#include "base/test/check.h"
#include "gate/http/h1_response.h"

enum { ROOM = 16, HEAD = 300 };

#define TEXT(literal) literal, sizeof(literal) - 1
#define OK "HTTP/1.1 200 OK\r\n"

enum { TO_HEAD = 1, TO_CONNECT = 2, KEEP = 4, LENGTH = 8 };

/* In memory of exactly that size, so that a sanitizer sees a read behind the end. */
static enum rc parse(struct h1_response *r, const char *wire, size_t len, unsigned flags,
                     uint8_t **copy)
{
    struct fault why = {0};
    enum rc rc;

    *copy = realloc(*copy, len > 0 ? len : 1);
    assert_non_null(*copy);
    memcpy(*copy, wire, len);
    rc = h1_response_parse(r, *copy, len, flags & TO_HEAD, flags & TO_CONNECT, HEAD, 4, &why);
    assert_true(rc == RC_OK || rc == RC_AGAIN || rc == RC_MEMORY || why.text[0]);
    return rc;
}

static const struct {
    const char *what, *wire;
    size_t len;
    unsigned flags;
    uint16_t code;
    uint8_t framing;
    uint64_t length;
    const char *status;
} accepted[] = {
    {"length", TEXT(OK "Content-Length: 5\r\n\r\n"), KEEP | LENGTH, 200, FRAMING_LENGTH, 5,
     "200 OK"},
    {"length 0", TEXT(OK "Content-Length: 0\r\n\r\n"), KEEP | LENGTH, 200, FRAMING_LENGTH, 0,
     "200 OK"},
    {"bare LF", TEXT("HTTP/1.1 404 Not Found\nContent-Length: 5\n\n"), KEEP | LENGTH, 404,
     FRAMING_LENGTH, 5, "404 Not Found"},
    {"chunked", TEXT(OK "transfer-encoding: Chunked\r\n\r\n"), KEEP, 200, FRAMING_CHUNKED, 0,
     "200 OK"},
    {"close", TEXT(OK "Content-Length: 5\r\nConnection: x, close\r\n\r\n"), LENGTH, 200,
     FRAMING_LENGTH, 5, "200 OK"},
    {"until the end", TEXT(OK "\r\n"), 0, 200, FRAMING_CLOSE, 0, "200 OK"},
    {"no reason", TEXT("HTTP/1.1 299\r\n\r\n"), 0, 299, FRAMING_CLOSE, 0, "299"},
    {"empty reason", TEXT("HTTP/1.1 999 \r\n\r\n"), 0, 999, FRAMING_CLOSE, 0, "999 "},
    {"HTTP/1.0", TEXT("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n"), LENGTH, 200,
     FRAMING_LENGTH, 5, "200 OK"},
    {"HTTP/1.0 kept",
     TEXT("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n"),
     KEEP | LENGTH, 200, FRAMING_LENGTH, 5, "200 OK"},
    {"HTTP/1.0 kept, but without an end",
     TEXT("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n"), 0, 200, FRAMING_CLOSE, 0,
     "200 OK"},
    {"100", TEXT("HTTP/1.1 100 Continue\r\n\r\n"), KEEP, 100, FRAMING_NONE, 0, "100 Continue"},
    {"101", TEXT("HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"), 0,
     101, FRAMING_NONE, 0, "101 x"},
    {"103 that announces a body", TEXT("HTTP/1.1 103 x\r\nContent-Length: 1\r\n\r\n"), LENGTH,
     103, FRAMING_NONE, 1, "103 x"},
    {"204", TEXT("HTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n"), KEEP | LENGTH, 204,
     FRAMING_NONE, 0, "204 x"},
    {"204 that announces a body", TEXT("HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n"),
     0, 204, FRAMING_NONE, 0, "204 x"},
    {"304", TEXT("HTTP/1.1 304 x\r\nContent-Length: 7\r\n\r\n"), KEEP | LENGTH, 304,
     FRAMING_NONE, 7, "304 x"},
    {"HEAD", TEXT(OK "Content-Length: 7\r\n\r\n"), KEEP | LENGTH | TO_HEAD, 200, FRAMING_NONE,
     7, "200 OK"},
    {"HEAD, chunked", TEXT(OK "Transfer-Encoding: chunked\r\n\r\n"), KEEP | TO_HEAD, 200,
     FRAMING_NONE, 0, "200 OK"},
    {"CONNECT", TEXT(OK "\r\n"), TO_CONNECT, 200, FRAMING_NONE, 0, "200 OK"},
    {"CONNECT refused", TEXT("HTTP/1.1 403 x\r\nContent-Length: 1\r\n\r\n"),
     TO_CONNECT | KEEP | LENGTH, 403, FRAMING_LENGTH, 1, "403 x"},
    {"odd names and control bytes", TEXT(OK "X_!.Y: a\x01\t\x7f\r\nContent-Length: 0\r\n\r\n"),
     KEEP | LENGTH, 200, FRAMING_LENGTH, 0, "200 OK"},
};

static void responses_are_accepted_at_every_cut(void **state)
{
    uint8_t *copy = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        const char *what = accepted[i].what;
        struct field fields[ROOM];
        struct h1_response r = {.head = {.fields = fields, .capacity = ROOM}};

        for (size_t cut = 0; cut <= accepted[i].len; cut++)
            check(what, parse(&r, accepted[i].wire, cut, accepted[i].flags, &copy) ==
                            (cut < accepted[i].len ? RC_AGAIN : RC_OK));
        check(what, r.head.len == accepted[i].len);
        check(what, r.code == accepted[i].code);
        check(what, r.framing == accepted[i].framing);
        check(what, r.keep_alive == ((accepted[i].flags & KEEP) != 0));
        check(what, r.has_length == ((accepted[i].flags & LENGTH) != 0));
        check(what, r.length == accepted[i].length);
        check(what, span_equal(h1_response_status(&r), span_text(accepted[i].status)));
    }
    free(copy);
}

static const struct {
    const char *what, *wire;
    size_t len;
    enum rc rc;
} refused[] = {
    {"no HTTP", TEXT("hello"), RC_FORMAT},
    {"HTTP/2.0", TEXT("HTTP/2.0 200 OK\r\n\r\n"), RC_FORMAT},
    {"HTTP/1.x", TEXT("HTTP/1.x 200 OK\r\n\r\n"), RC_FORMAT},
    {"empty line in front", TEXT("\r\nHTTP/1.1 200 OK\r\n\r\n"), RC_FORMAT},
    {"code below 100", TEXT("HTTP/1.1 099 x\r\n\r\n"), RC_FORMAT},
    {"code of 4 digits", TEXT("HTTP/1.1 2000 x\r\n\r\n"), RC_FORMAT},
    {"code of 2 digits", TEXT("HTTP/1.1 20 \r\n\r\n"), RC_FORMAT},
    {"code of letters", TEXT("HTTP/1.1 2xx x\r\n\r\n"), RC_FORMAT},
    {"two spaces", TEXT("HTTP/1.1  200 x\r\n\r\n"), RC_FORMAT},
    {"NUL in the reason", TEXT("HTTP/1.1 200 x\0\r\n\r\n"), RC_FORMAT},
    {"bare CR in the reason", TEXT("HTTP/1.1 200 x\ry\r\n\r\n"), RC_FORMAT},
    {"length and chunked", TEXT(OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
     RC_FORMAT},
    {"lengths that differ", TEXT(OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"),
     RC_FORMAT},
    {"lengths that agree", TEXT(OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
     RC_FORMAT},
    {"lengths in one", TEXT(OK "Content-Length: 5, 5\r\n\r\n"), RC_FORMAT},
    {"signed length", TEXT(OK "Content-Length: -5\r\n\r\n"), RC_FORMAT},
    {"length without end", TEXT(OK "Content-Length: 99999999999999999999\r\n\r\n"), RC_FORMAT},
    {"coding twice",
     TEXT(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), RC_FORMAT},
    {"unknown coding", TEXT(OK "Transfer-Encoding: gzip\r\n\r\n"), RC_FORMAT},
    {"two codings", TEXT(OK "Transfer-Encoding: gzip, chunked\r\n\r\n"), RC_FORMAT},
    {"chunked in HTTP/1.0", TEXT("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
     RC_FORMAT},
    {"folded line", TEXT(OK "X: a\r\n b\r\n\r\n"), RC_FORMAT},
    {"space before the colon", TEXT(OK "Content-Length : 5\r\n\r\n"), RC_FORMAT},
    {"strange name", TEXT(OK "X(: 5\r\n\r\n"), RC_FORMAT},
    {"no colon", TEXT(OK "X\r\n\r\n"), RC_FORMAT},
    {"NUL in a value", TEXT(OK "X: a\0b\r\n\r\n"), RC_FORMAT},
    {"bare CR in a value", TEXT(OK "X: a\rb\r\n\r\n"), RC_FORMAT},
    {"too many fields", TEXT(OK "A: 1\nB: 1\nC: 1\nD: 1\nE: 1\n\n"), RC_LIMIT},
};

static void responses_are_refused_at_every_cut(void **state)
{
    uint8_t *copy = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct field fields[ROOM];
        struct h1_response r = {.head = {.fields = fields, .capacity = ROOM}};
        enum rc rc = RC_AGAIN;

        for (size_t cut = 0; cut <= refused[i].len; cut++) {
            rc = parse(&r, refused[i].wire, cut, 0, &copy);
            check(refused[i].what, rc == RC_AGAIN || rc == refused[i].rc);
        }
        check(refused[i].what, rc == refused[i].rc);
    }
    free(copy);
}

static void a_head_without_end_is_refused(void **state)
{
    struct field fields[ROOM];
    struct h1_response r = {.head = {.fields = fields, .capacity = ROOM}};
    char wire[HEAD];
    uint8_t *copy = NULL;

    (void)state;
    memset(wire, 'x', sizeof wire);
    memcpy(wire, OK, sizeof OK - 1);
    assert_int_equal(parse(&r, wire, HEAD - 1, 0, &copy), RC_AGAIN);
    assert_int_equal(parse(&r, wire, HEAD, 0, &copy), RC_LIMIT);
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responses_are_accepted_at_every_cut),
        cmocka_unit_test(responses_are_refused_at_every_cut),
        cmocka_unit_test(a_head_without_end_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
