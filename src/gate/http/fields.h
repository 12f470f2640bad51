/* The field lines of an HTTP/1 head: RFC 9112 section 5, for requests and responses alike. */
#ifndef GATE_HTTP_FIELDS_H
#define GATE_HTTP_FIELDS_H

#include "base/fault.h"
#include "gate/http/head.h"

struct fields_rules {
    uint32_t line_max;  /* bytes of a field line without its end */
    uint32_t count_max; /* fields; never more than 65535 */
    bool underscores;   /* '_' may stand in a name */
    bool keep_invalid;  /* names may have any token characters; others are refused, not dropped
                         */
    bool keep_controls; /* values may have control bytes other than NUL, CR and LF */
};

/*
 * Reads field lines from offset `from` up to the empty line; head->len is then the offset
 * behind it. Names of other characters than letters, digits and '-' are dropped unless the
 * rules keep them.
 *
 * RC_AGAIN   the `len` bytes at head->at end before the empty line
 * RC_MEMORY  head->capacity is used up, and below count_max
 * RC_LIMIT   a line beyond line_max, or more fields than count_max
 * RC_FORMAT  no colon, a blank in or around a name, a folded line, a control byte in a value
 */
enum rc fields_parse(struct head *head, uint32_t from, uint32_t len,
                     const struct fields_rules *rules, struct fault *why);

#endif
