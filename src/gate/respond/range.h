/* Parts of an answer: RFC 9110, section 14. */
#ifndef GATE_RESPOND_RANGE_H
#define GATE_RESPOND_RANGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/rc.h"
#include "base/span.h"

enum {
    RANGE_MAX = 64, /* parts of one answer; a request for more gets it whole */
    RANGE_BOUNDARY_LEN = 20,
    RANGE_PART_MAX = 256 /* bytes around one part, without its content type */
};

struct range {
    uint64_t first, end; /* bytes first .. end - 1 */
};

/*
 * The value of a Range field, for contents of `size` bytes. Returns
 *   206  ranges[0 .. *count) are to be sent, in that order; one: with Content-Range, several:
 * multipart 200  no such unit, too many parts, or together longer than the whole: send it
 * whole 416  none of it is there, or not a range: answer with "Content-Range: bytes
 * (star)/SIZE"
 */
unsigned range_parse(struct span value, uint64_t size, struct range *ranges, size_t max,
                     size_t *count);

/* Where the one range of that value begins; 0 where that is not said, or there are several. */
uint64_t range_first(struct span value);

/* The value of a Content-Range field whose whole is known. RC_FORMAT: something else. */
enum rc range_parse_content(struct span value, struct range *range, uint64_t *whole);

/* "bytes 0-99/1000" */
void range_write(const struct range *range, uint64_t size, struct buffer *out);

/* "bytes (star)/1000", with a star */
void range_write_unsatisfied(uint64_t size, struct buffer *out);

/*
 * multipart/byteranges: a boundary nobody else uses, what goes before each part (`type` empty:
 * without a Content-Type), what goes after the last, and the length of the whole body.
 */
void range_boundary(char boundary[RANGE_BOUNDARY_LEN]);
void range_part(const char *boundary, struct span type, const struct range *range,
                uint64_t size, struct buffer *out);
void range_last(const char *boundary, struct buffer *out);
uint64_t range_body_length(const char *boundary, struct span type, const struct range *ranges,
                           size_t count, uint64_t size);

#endif
