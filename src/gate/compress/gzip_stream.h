/* A body in the form of RFC 1952 (gzip), as it comes: bytes in, compressed bytes out, no I/O. */
#ifndef GATE_COMPRESS_GZIP_STREAM_H
#define GATE_COMPRESS_GZIP_STREAM_H

#include "base/buffer.h"
#include "base/fault.h"

struct gzip_stream;

enum gzip_push {
    GZIP_MORE,  /* may keep bytes back until more come */
    GZIP_FLUSH, /* all that came so far can be read at the other end */
    GZIP_END,   /* that was all */
};

enum { GZIP_ROOM = 64 /* bytes that gzip_push needs at least */ };

/*
 * `level` is 1 (fast) to 9. `length`: the bytes to come where that is known, else UINT64_MAX; a short body takes
 * less memory than the 268 kB of a long one. `spare` holds one that was given back, or NULL: it is used again
 * where it fits. NULL: no memory.
 */
struct gzip_stream *gzip_stream_open(struct gzip_stream **spare, int level, uint64_t length);

/*
 * Takes bytes off the front of `in` and adds compressed ones to `out`.
 * RC_OK     all is taken, and for GZIP_FLUSH and GZIP_END all is out
 * RC_AGAIN  `out` is full: send it, and call again with what is left of `in`
 */
enum rc gzip_stream_push(struct gzip_stream *s, struct span *in, enum gzip_push push,
                         struct buffer *out);

/* Is something kept back? */
bool gzip_stream_holds(const struct gzip_stream *s);

/* Gives it back to `spare`, in the place of the one that is there. Harmless on NULL. */
void gzip_stream_release(struct gzip_stream *s, struct gzip_stream **spare);

/* Harmless on NULL. */
void gzip_stream_close(struct gzip_stream *s);

#endif
