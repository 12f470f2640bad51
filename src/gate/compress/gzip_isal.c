/* ISA-L: levels 1 and 2 in a third of zlib's time, and a little smaller. */
#include <isa-l/igzip_lib.h>
#include <stdlib.h>

#include "gate/compress/gzip_engine.h"

enum {
    LEVEL_MAX = 2,    /* from 3 on zlib's is smaller: whoever asks for it wants that */
    LENGTH_MIN = 2048 /* a shorter body is for zlib, which takes less memory for it */
};

struct isal_stream {
    struct gzip_stream head;
    struct isal_zstream z;
    uint8_t work[ISAL_DEF_LVL1_MEDIUM];
};

static bool serves(int level, uint64_t length)
{
    return level <= LEVEL_MAX && length >= LENGTH_MIN;
}

static unsigned size_class(uint64_t length)
{
    (void)length;
    return 0;
}

static bool reset(struct gzip_stream *head)
{
    struct isal_stream *s = (struct isal_stream *)head;

    isal_deflate_init(&s->z);
    s->z.level = 1;
    s->z.level_buf = s->work;
    s->z.level_buf_size = sizeof s->work;
    s->z.gzip_flag = IGZIP_GZIP;
    return true;
}

static struct gzip_stream *open_stream(int level, unsigned size)
{
    struct isal_stream *s = malloc(sizeof *s);

    (void)level, (void)size;
    return s && reset(&s->head) ? &s->head : NULL;
}

static bool push_bytes(struct gzip_stream *head, struct span *in, enum gzip_push push,
                       struct buffer *out)
{
    struct isal_stream *s = (struct isal_stream *)head;
    const size_t room = out->size - out->len;

    memcpy(&s->z.next_in, &in->at, sizeof in->at); /* it is only read */
    s->z.avail_in = (uint32_t)in->len;
    s->z.next_out = out->at + out->len;
    s->z.avail_out = (uint32_t)room;
    s->z.flush = push == GZIP_FLUSH ? SYNC_FLUSH : NO_FLUSH;
    s->z.end_of_stream = push == GZIP_END;
    (void)isal_deflate(&s->z); /* fails for parameters alone */
    span_cut(in, in->len - s->z.avail_in);
    out->len += room - s->z.avail_out;
    return push == GZIP_END ? s->z.internal_state.state == ZSTATE_END : s->z.avail_out > 0;
}

static void close_stream(struct gzip_stream *head)
{
    free(head);
}

const struct gzip_engine gzip_isal = {
    .serves = serves,
    .size_class = size_class,
    .open = open_stream,
    .reset = reset,
    .push = push_bytes,
    .close = close_stream,
};
