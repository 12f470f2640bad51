#include <stdlib.h>
#include <zlib.h>

#include "gate/compress/gzip_engine.h"

enum {
    WINDOW_MAX = 15, /* bits */
    WINDOW_MIN = 9,
    MEMORY_MAX = 8,
    GZIP_FORM = 16,  /* added to the window's bits: zlib writes gzip's header and trailer */
    LOOKAHEAD = 262, /* bytes of the window that zlib keeps for itself */
};

struct zlib_stream {
    struct gzip_stream head;
    z_stream z;
};

static bool serves(int level, uint64_t length)
{
    (void)level, (void)length;
    return true;
}

/* The smallest window that holds all of the body. */
static unsigned window_for(uint64_t length)
{
    unsigned window = WINDOW_MAX;

    while (window > WINDOW_MIN && length < (UINT64_C(1) << (window - 1)) - LOOKAHEAD)
        window--;
    return window;
}

static struct gzip_stream *open_stream(int level, unsigned window)
{
    int memory = MEMORY_MAX - (WINDOW_MAX - (int)window);
    struct zlib_stream *s = calloc(1, sizeof *s);

    if (s && deflateInit2(&s->z, level, Z_DEFLATED, (int)window + GZIP_FORM,
                          memory > 1 ? memory : 1, Z_DEFAULT_STRATEGY) == Z_OK)
        return &s->head;
    free(s);
    return NULL;
}

static bool reset(struct gzip_stream *head)
{
    return deflateReset(&((struct zlib_stream *)head)->z) == Z_OK;
}

static bool push_bytes(struct gzip_stream *head, struct span *in, enum gzip_push push,
                       struct buffer *out)
{
    static const int flush_of[] = {
        [GZIP_MORE] = Z_NO_FLUSH, [GZIP_FLUSH] = Z_SYNC_FLUSH, [GZIP_END] = Z_FINISH};
    struct zlib_stream *s = (struct zlib_stream *)head;
    const size_t room = out->size - out->len;
    int rc;

    memcpy(&s->z.next_in, &in->at, sizeof in->at); /* zlib reads it, without saying so */
    s->z.avail_in = (uInt)in->len;
    s->z.next_out = out->at + out->len;
    s->z.avail_out = (uInt)room;
    rc = deflate(&s->z, flush_of[push]);
    span_cut(in, in->len - s->z.avail_in);
    out->len += room - s->z.avail_out;
    return push == GZIP_END ? rc == Z_STREAM_END : s->z.avail_out > 0;
}

static void close_stream(struct gzip_stream *head)
{
    deflateEnd(&((struct zlib_stream *)head)->z);
    free(head);
}

const struct gzip_engine gzip_zlib = {
    .serves = serves,
    .size_class = window_for,
    .open = open_stream,
    .reset = reset,
    .push = push_bytes,
    .close = close_stream,
};
