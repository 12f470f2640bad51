#include "gate/compress/gunzip.h"

#include <stdlib.h>
#include <zlib.h>

enum { WINDOW_GZIP = 15 + 16, ROOM = 16 * 1024 };

struct gunzip {
    struct transform base;
    z_stream z;
    bool ended; /* the last member is whole */
};

/* Another member may follow. */
static enum rc take(struct gunzip *g, struct text *out)
{
    uint8_t room[ROOM];
    int said = Z_OK;

    while (said == Z_OK || (said == Z_STREAM_END && g->z.avail_in > 0)) {
        if (said == Z_STREAM_END && inflateReset(&g->z) != Z_OK)
            return RC_FORMAT;
        g->z.next_out = room;
        g->z.avail_out = sizeof room;
        said = inflate(&g->z, Z_NO_FLUSH);
        text_add(out, span_of(room, sizeof room - g->z.avail_out));
        if (said == Z_BUF_ERROR)
            break;
        g->ended = said == Z_STREAM_END;
    }
    return said == Z_OK || said == Z_STREAM_END || said == Z_BUF_ERROR ? RC_OK
           : said == Z_MEM_ERROR                                       ? RC_MEMORY
                                                                       : RC_FORMAT;
}

static enum rc push(struct transform *t, struct span in, bool last, struct text *out)
{
    struct gunzip *g = (struct gunzip *)t;
    enum rc rc = RC_OK;

    if (in.len > 0) {
        g->z.next_in = (uint8_t *)(uintptr_t)in.at;
        g->z.avail_in = (unsigned)in.len;
        g->ended = false;
        rc = take(g, out);
    }
    return rc == RC_OK && last && !g->ended ? RC_FORMAT : rc;
}

static void close_it(struct transform *t)
{
    inflateEnd(&((struct gunzip *)t)->z);
    free(t);
}

static const struct transform_kind kind = {"gunzip", push, close_it};

struct transform *gunzip_open(void)
{
    struct gunzip *g = calloc(1, sizeof *g);

    if (!g)
        return NULL;
    g->base.kind = &kind;
    g->ended = true; /* of nothing */
    if (inflateInit2(&g->z, WINDOW_GZIP) != Z_OK) {
        free(g);
        return NULL;
    }
    return &g->base;
}
