/*
 * The head of an HTTP/1 request: RFC 9112 sections 2 to 3 and 6, RFC 9110 section 5, and what
 * nginx does where they leave a choice. Whatever could be framed in two ways is refused, never
 * guessed.
 */
#ifndef GATE_HTTP_H1_REQUEST_H
#define GATE_HTTP_H1_REQUEST_H

#include "base/fault.h"
#include "gate/http/head.h"

enum method {
    METHOD_OTHER, /* any other token of upper-case letters, '_' and '-' */
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_TRACE,
    METHOD_CONNECT,
    METHOD_PATCH,
    METHOD_LOCK,
};

enum target_form { TARGET_ORIGIN, TARGET_ABSOLUTE, TARGET_AUTHORITY };

struct h1_limits {
    uint32_t line_max;   /* bytes of the request line: beyond it 414 */
    uint32_t field_max;  /* bytes of one field line: beyond it 494 */
    uint32_t head_max;   /* bytes of it all: beyond it 494 */
    uint32_t fields_max; /* how many: beyond it 494 */
    bool underscores;    /* underscores_in_headers: '_' may stand in a name */
    /*
     * ignore_invalid_headers off: names of any token characters ("X.Y", "X_Y") are kept, and
     * those of others are a 400. On, both are dropped.
     */
    bool keep_invalid;
};

/* Start from {.head = {.fields = ..., .capacity = ...}}; all else is filled. */
struct h1_request {
    struct head head;
    uint32_t line_at;   /* leading empty lines are skipped: where the request line begins */
    uint32_t line_len;  /* of it, without its end */
    uint32_t target_at; /* as received, also for an absolute one */
    uint32_t target_len;
    uint32_t path_at;  /* the part of the target from the path on: empty for "http://host", */
    uint32_t path_len; /* and "?x" for "http://host?x" */
    uint32_t authority_at; /* of an absolute or authority form */
    uint32_t authority_len;
    uint16_t method_len; /* at line_at */
    uint8_t method;      /* enum method */
    uint8_t form;        /* enum target_form */
    uint8_t version; /* 9, 10, 11; 1.2 and above read as 11; 10 where none was understood */
    bool chunked;
    bool has_length;    /* there is a Content-Length: `length` */
    bool keep_alive;    /* what version and Connection ask for */
    bool wants_upgrade; /* Connection names "upgrade" and there is an Upgrade field, not in 1.0
                         */
    bool expects_continue; /* Expect: 100-continue, not in 1.0 */
    bool has_nominated;    /* Connection names more than close, keep-alive and upgrade */
    uint64_t length;
    uint16_t status;  /* when parsing failed: what to answer: 400, 414, 494, 501, 505 */
    uint32_t scanned; /* private: how far earlier calls looked for the end */
};

/*
 * Parses the `len` bytes at `at`, which begin where the request does; call again, with all of
 * the bytes from the start and more behind them, after RC_AGAIN.
 *
 * Refused beyond what the RFCs ask for: a field that must be alone and came twice (nginx's
 * list), a Host that differs from an absolute target's authority, more than one space in the
 * request line, and as in nginx the target "*". A bare LF ends a line. Of HTTP/0.9, "GET /x"
 * alone is taken: it has no fields and no keep-alive.
 *
 * RC_OK      the head is complete: r->head.len bytes of it were the head
 * RC_AGAIN   more bytes are needed
 * RC_MEMORY  head.capacity is too small and below limits->fields_max: give more and call again
 * other      answer r->status and close; `why` says what was wrong, for the log
 */
enum rc h1_request_parse(struct h1_request *r, const uint8_t *at, size_t len,
                         const struct h1_limits *limits, struct fault *why);

static inline struct span h1_request_line(const struct h1_request *r)
{
    return span_of(r->head.at + r->line_at, r->line_len);
}

static inline struct span h1_request_method(const struct h1_request *r)
{
    return span_of(r->head.at + r->line_at, r->method_len);
}

static inline struct span h1_request_target(const struct h1_request *r)
{
    return span_of(r->head.at + r->target_at, r->target_len);
}

static inline struct span h1_request_path(const struct h1_request *r)
{
    return span_of(r->head.at + r->path_at, r->path_len);
}

static inline struct span h1_request_authority(const struct h1_request *r)
{
    return span_of(r->head.at + r->authority_at, r->authority_len);
}

#endif
