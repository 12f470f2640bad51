/* The head of an HTTP/1 response, as an origin sends it: RFC 9112 sections 4 and 6. */
#ifndef GATE_HTTP_H1_RESPONSE_H
#define GATE_HTTP_H1_RESPONSE_H

#include "base/fault.h"
#include "gate/http/head.h"

/* How the body ends. */
enum framing {
    FRAMING_NONE,    /* no body: 1xx, 204, 304, an answer to HEAD, 2xx to CONNECT */
    FRAMING_LENGTH,  /* after `length` bytes */
    FRAMING_CHUNKED, /* by its own framing */
    FRAMING_CLOSE,   /* with the connection */
};

/* Start from {.head = {.fields = ..., .capacity = ...}}; all else is filled. */
struct h1_response {
    struct head head;
    uint16_t code;      /* 100 .. 999 */
    uint8_t version;    /* 10 or 11 */
    uint8_t framing;    /* enum framing */
    bool keep_alive;    /* the connection may serve another request after this body */
    bool has_length;    /* a Content-Length was there, also with framing none: `length` */
    uint32_t status_at; /* "200 OK" as received */
    uint32_t status_len;
    uint64_t length;
};

/*
 * As h1_request_parse. `to_head` says that the request was a HEAD, `to_connect` a CONNECT.
 * Refused: both Content-Length and Transfer-Encoding, more than one of either (equal or not),
 * a transfer coding other than a lone "chunked" or in HTTP/1.0, a field name with a blank or
 * of no token characters, a folded line, NUL or a bare CR in a value. Where the status allows
 * no body, a Transfer-Encoding is not looked at. After a 1xx or 204 that announces a body, and
 * after a 101, the connection is not to be used again.
 *
 * RC_OK, RC_AGAIN, RC_MEMORY  as there; `head_max` and `fields_max` bound it: RC_LIMIT
 * RC_FORMAT                   no HTTP/1 response, or one whose end is in doubt
 */
enum rc h1_response_parse(struct h1_response *r, const uint8_t *at, size_t len, bool to_head,
                          bool to_connect, uint32_t head_max, uint32_t fields_max,
                          struct fault *why);

static inline struct span h1_response_status(const struct h1_response *r)
{
    return span_of(r->head.at + r->status_at, r->status_len);
}

#endif
