/* The fields that say where a message ends, and whether its connection goes on: RFC 9112
 * sections 6, 7 and 9. */
#ifndef GATE_HTTP_FRAMING_H
#define GATE_HTTP_FRAMING_H

#include "gate/http/head.h"

/* A Content-Length: digits alone, below 2^63. */
bool framing_length(struct span value, uint64_t *length);

enum framing_coding {
    CODING_CHUNKED,   /* "chunked" alone, in any case of letters */
    CODING_UNKNOWN,   /* well formed, but of other codings */
    CODING_MALFORMED, /* no list of codings, or chunked where it may not stand */
};

/* What a Transfer-Encoding asks for. */
enum framing_coding framing_coding(struct span value);

/* The connection options of all Connection fields together. */
struct framing_connection {
    bool close, keep_alive, upgrade;
    bool other; /* the name of some field, or anything else */
};

struct framing_connection framing_connection(const struct head *head);

#endif
