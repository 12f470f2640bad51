/* The libraries that make gzip's form, behind gzip_stream.h: one file each. */
#ifndef GATE_COMPRESS_GZIP_ENGINE_H
#define GATE_COMPRESS_GZIP_ENGINE_H

#include "gate/compress/gzip_stream.h"

/* The first member of every stream. */
struct gzip_stream {
    const struct gzip_engine *engine;
    int level;
    unsigned size_class; /* those of one level and class can stand in for each other */
    bool holds;
};

struct gzip_engine {
    /* Does it serve them? `length`: UINT64_MAX where it is not known. */
    bool (*serves)(int level, uint64_t length);
    unsigned (*size_class)(uint64_t length);
    struct gzip_stream *(*open)(int level, unsigned size_class); /* NULL: no memory */
    bool (*reset)(struct gzip_stream *s);

    /* As gzip_stream_push. True: there was nothing more to say. */
    bool (*push)(struct gzip_stream *s, struct span *in, enum gzip_push push,
                 struct buffer *out);
    void (*close)(struct gzip_stream *s);
};

extern const struct gzip_engine gzip_zlib;
#ifdef GATE_ISAL
extern const struct gzip_engine gzip_isal;
#endif

#endif
