#include "gate/compress/gzip_stream.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

enum {
    WINDOW_MAX = 15, /* bits */
    WINDOW_MIN = 9,
    MEMORY_MAX = 8,
    GZIP_FORM = 16,  /* added to the window's bits: zlib writes gzip's header and trailer */
    LOOKAHEAD = 262, /* bytes of the window that zlib keeps for itself */
};

struct gzip_stream {
    z_stream z;
    int level, window;
    bool holds;
};

/* The smallest window that holds all of the body. */
static int window_for(uint64_t length)
{
    int window = WINDOW_MAX;

    while (window > WINDOW_MIN && length < (UINT64_C(1) << (window - 1)) - LOOKAHEAD)
        window--;
    return window;
}

static struct gzip_stream *take_spare(struct gzip_stream **spare, int level, int window)
{
    struct gzip_stream *s = *spare;

    if (!s || s->level != level || s->window != window || deflateReset(&s->z) != Z_OK)
        return NULL;
    *spare = NULL;
    s->holds = false;
    return s;
}

struct gzip_stream *gzip_stream_open(struct gzip_stream **spare, int level, uint64_t length)
{
    int window = window_for(length), memory = MEMORY_MAX - (WINDOW_MAX - window);
    struct gzip_stream *s = take_spare(spare, level, window);

    if (s)
        return s;
    if (!(s = calloc(1, sizeof *s)))
        return NULL;
    s->level = level;
    s->window = window;
    if (deflateInit2(&s->z, level, Z_DEFLATED, window + GZIP_FORM, memory > 1 ? memory : 1,
                     Z_DEFAULT_STRATEGY) == Z_OK)
        return s;
    free(s);
    return NULL;
}

enum rc gzip_stream_push(struct gzip_stream *s, struct span *in, enum gzip_push push,
                         struct buffer *out)
{
    static const int flush_of[] = {
        [GZIP_MORE] = Z_NO_FLUSH, [GZIP_FLUSH] = Z_SYNC_FLUSH, [GZIP_END] = Z_FINISH};
    const size_t room = out->size - out->len;
    int rc;

    assert(room >= GZIP_ROOM && room <= UINT_MAX && in->len <= UINT_MAX);
    if (push != GZIP_END && in->len == 0 && !s->holds)
        return RC_OK;
    memcpy(&s->z.next_in, &in->at, sizeof in->at); /* zlib reads it, without saying so */
    s->z.avail_in = (uInt)in->len;
    s->z.next_out = out->at + out->len;
    s->z.avail_out = (uInt)room;
    rc = deflate(&s->z, flush_of[push]);
    span_cut(in, in->len - s->z.avail_in);
    out->len += room - s->z.avail_out;
    s->holds = push == GZIP_MORE || s->z.avail_out == 0;
    if (push == GZIP_END)
        return rc == Z_STREAM_END ? RC_OK : RC_AGAIN;
    return s->z.avail_out == 0 ? RC_AGAIN : RC_OK;
}

bool gzip_stream_holds(const struct gzip_stream *s)
{
    return s->holds;
}

void gzip_stream_release(struct gzip_stream *s, struct gzip_stream **spare)
{
    if (!s)
        return;
    gzip_stream_close(*spare);
    *spare = s;
}

void gzip_stream_close(struct gzip_stream *s)
{
    if (!s)
        return;
    deflateEnd(&s->z);
    free(s);
}
