/*
 * What nginx says with each status: the reason phrase, and the page that stands in for a body.
 * The words are nginx's own ("405 Not Allowed", "504 Gateway Time-out"), and not always those
 * of RFC 9110.
 */
#ifndef GATE_RESPOND_STATUS_H
#define GATE_RESPOND_STATUS_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/span.h"

enum {
    STATUS_CLOSE = 444, /* return 444: close, and say nothing */
    STATUS_HEADER_TOO_LARGE = 494,
    STATUS_CERTIFICATE_ERROR = 495,
    STATUS_NO_CERTIFICATE = 496,
    STATUS_TO_HTTPS = 497,      /* a plain request at a TLS port */
    STATUS_CLIENT_CLOSED = 499, /* for the log alone */

    STATUS_PAGE_MAX = 1024 /* bytes that hold any page, with padding */
};

/* What goes on the wire for an internal code: 494 .. 497 are answered as 400. */
unsigned status_on_wire(unsigned code);

/* "404 Not Found", for the status line. Empty for a code without a phrase: see status_write.
 */
struct span status_text(unsigned code);

/* "404 Not Found", or "599 " for a code without a phrase (the blank is part of the grammar).
 */
void status_write(unsigned code, struct buffer *out);

/* The code alone, with three digits. */
void status_write_number(unsigned code, struct buffer *out);

/* Does the connection end after gate's own answer with this code? Its framing may be in doubt.
 */
bool status_ends_connection(unsigned code);

/* Is the connection closed without a word? 408, 444 and 499: nobody listens, or nobody shall
 * hear. */
bool status_is_silent(unsigned code);

/* "gate/0.1.0"; server_tokens off: "gate"; called as nginx: "nginx/1.31.5", "nginx". */
struct span status_server(bool as_nginx, bool tokens);

/*
 * The page for a code, internal ones too; nothing for one that has none (the body is then
 * empty, without a Content-Type). Its type is text/html, and that alone, whatever default_type
 * says. `padding`: the six comments that nginx adds for codes from 400 on where User-Agent
 * holds "MSIE " or "Chrome/".
 */
void status_page(unsigned code, struct span server, bool padding, struct buffer *out);

#endif
