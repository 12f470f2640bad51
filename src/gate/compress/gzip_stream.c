#include "gate/compress/gzip_stream.h"

#include <assert.h>
#include <limits.h>

#include "gate/compress/gzip_engine.h"

/* The first one that serves is taken; the last serves always. */
static const struct gzip_engine *const engines[] = {
#ifdef GATE_ISAL
    &gzip_isal,
#endif
    &gzip_zlib,
};

struct gzip_stream *gzip_stream_open(struct gzip_stream **spare, int level, uint64_t length)
{
    const struct gzip_engine *const *engine = engines;
    struct gzip_stream *s = *spare;
    unsigned size_class;

    while (!(*engine)->serves(level, length))
        engine++;
    size_class = (*engine)->size_class(length);
    if (s && s->engine == *engine && s->level == level && s->size_class == size_class &&
        (*engine)->reset(s)) {
        *spare = NULL;
        s->holds = false;
        return s;
    }
    if (!(s = (*engine)->open(level, size_class)))
        return NULL;
    s->engine = *engine;
    s->level = level;
    s->size_class = size_class;
    s->holds = false;
    return s;
}

enum rc gzip_stream_push(struct gzip_stream *s, struct span *in, enum gzip_push push,
                         struct buffer *out)
{
    bool done;

    assert(out->size - out->len >= GZIP_ROOM && out->size - out->len <= UINT_MAX &&
           in->len <= UINT_MAX);
    if (push != GZIP_END && in->len == 0 && !s->holds)
        return RC_OK;
    done = s->engine->push(s, in, push, out);
    s->holds = push == GZIP_MORE || !done;
    return done ? RC_OK : RC_AGAIN;
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
    if (s)
        s->engine->close(s);
}
