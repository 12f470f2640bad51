/*
 * How long the head of a request takes to parse: the least of many runs, in nanoseconds, of
 * requests as programs and browsers send them.
 *
 *     bench_h1_parse
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gate/http/h1_request.h"
#include "gate/http/h1_response.h"
#include "gate/http/uri.h"

enum { FIELDS = 64, RUNS = 200, TURNS = 2000 };

static const struct h1_limits limits = {
    .line_max = 8192, .field_max = 8192, .head_max = 32768, .fields_max = FIELDS};

static const char curl[] = "GET /index.html HTTP/1.1\r\nHost: localhost:8000\r\n"
                           "User-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n";

#define BROWSER                                                                               \
    "GET /api/items?page=2&order=name HTTP/1.1\r\nHost: shop.example.com\r\n"                 \
    "Connection: keep-alive\r\nCache-Control: max-age=0\r\n"                                  \
    "sec-ch-ua: \"Chromium\";v=\"120\", \"Not-A.Brand\";v=\"24\"\r\n"                         \
    "sec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: \"Linux\"\r\n"                               \
    "Upgrade-Insecure-Requests: 1\r\n"                                                        \
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "     \
    "Chrome/120.0.0.0 Safari/537.36\r\n"                                                      \
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"             \
    "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n" \
    "Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en-GB,en;q=0.9\r\n"               \
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"

static const char browser[] = BROWSER "\r\n";

static const char long_head[] = BROWSER
    "Referer: https://shop.example.com/\r\nOrigin: https://shop.example.com\r\n"
    "If-None-Match: \"0123456789abcdef\"\r\nIf-Modified-Since: Mon, 01 Jan 2024 00:00:00 "
    "GMT\r\n"
    "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\nX-Real-IP: 203.0.113.7\r\n"
    "X-Request-ID: 6f1c8d0e-6c0f-4e5b-9f4e-0b7d3a1c2e5f\r\nVia: 1.1 edge\r\nDNT: 1\r\n"
    "Authorization: Bearer 0123456789abcdef0123456789abcdef\r\nPriority: u=0, i\r\n"
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
    "X-Requested-With: XMLHttpRequest\r\nPragma: no-cache\r\n\r\n";

static const char response[] =
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
    "Content-Type: text/html; charset=utf-8\r\nContent-Length: 1024\r\n"
    "Last-Modified: Sun, 31 Dec 2023 00:00:00 GMT\r\nConnection: keep-alive\r\n"
    "ETag: \"65911e80-400\"\r\nCache-Control: max-age=60\r\nVary: Accept-Encoding\r\n"
    "Accept-Ranges: bytes\r\nX-Frame-Options: DENY\r\nX-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: same-origin\r\nStrict-Transport-Security: max-age=31536000\r\n"
    "Set-Cookie: session=0123456789abcdef; Path=/; HttpOnly\r\n\r\n";

static struct field fields[FIELDS];

static enum rc request_parse(const char *head, size_t len)
{
    struct h1_request r = {.head = {.fields = fields, .capacity = FIELDS}};

    return h1_request_parse(&r, (const uint8_t *)head, len, &limits, NULL);
}

static enum rc response_parse(const char *head, size_t len)
{
    struct h1_response r = {.head = {.fields = fields, .capacity = FIELDS}};

    return h1_response_parse(&r, (const uint8_t *)head, len, false, false, 4096, FIELDS, NULL);
}

static enum rc path_normalise(const char *target, size_t len)
{
    char path[256];
    size_t path_len;
    struct span args;
    bool has_args, plain;

    return uri_normalise(span_of(target, len), true, path, &path_len, &args, &has_args,
                         &plain);
}

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void measure(const char *what, enum rc (*parse)(const char *, size_t), const char *text,
                    size_t len)
{
    double best = 1e18;

    for (int run = 0; run < RUNS; run++) {
        double start = now_ns(), took;

        for (int turn = 0; turn < TURNS; turn++) {
            __asm__ volatile("" : : "r"(text) : "memory"); /* the bytes may have changed */
            if (parse(text, len) != RC_OK) {
                fprintf(stderr, "%s: refused\n", what);
                exit(1);
            }
        }
        took = (now_ns() - start) / TURNS;
        best = took < best ? took : best;
    }
    printf("%-28s %5zu bytes %8.1f ns\n", what, len, best);
}

int main(void)
{
    measure("request, 3 fields", request_parse, curl, sizeof curl - 1);
    measure("request, 15 fields", request_parse, browser, sizeof browser - 1);
    measure("request, 30 fields", request_parse, long_head, sizeof long_head - 1);
    measure("response, 15 fields", response_parse, response, sizeof response - 1);
    measure("path", path_normalise, "/api/items/list?page=2&order=name", 33);
    measure("path with an escape", path_normalise, "/api/items%20list?page=2&order=name", 35);
    return 0;
}
