/*
 * The chunked transfer coding, decoded without a copy: RFC 9112, section 7.1. Strict: a bare
 * LF is refused, sizes stay below 2^60, framing between two pieces of body is bounded.
 */
#ifndef GATE_HTTP_CHUNKED_H
#define GATE_HTTP_CHUNKED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/span.h"

/* Start from {0}; owns nothing, so there is nothing to free. */
struct chunked {
    uint8_t state;
    uint8_t digits;    /* hex digits seen of this chunk's size */
    uint16_t overhead; /* bytes of framing since the last piece of body */
    uint64_t left;     /* bytes of this chunk still to come */
};

/*
 * RC_OK      `body` is a view into `in`, which now begins behind it
 * RC_AGAIN   `in` is used up
 * RC_END     the body is over, its trailer section read; `in` holds what follows
 * RC_FORMAT  not chunked coding
 * RC_LIMIT   too much framing, or too long a trailer section
 *
 * Where `trailer` is not NULL it is set, at every call that read some, to the part of the
 * trailer section that this call saw (field lines with their ends, and the last empty line).
 */
enum rc chunked_next(struct chunked *c, struct span *in, struct span *body,
                     struct span *trailer);

#endif
