#include "gate/journal/line_buffer.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "gate/compress/gzip_stream.h"

struct line_buffer *line_buffer_make(size_t size, uint64_t flush_ms, int gzip_level,
                                     struct arena *arena)
{
    struct line_buffer *b = arena_take(arena, sizeof *b);

    if (!b)
        return NULL;
    *b = (struct line_buffer){.at = arena_take(arena, size),
                              .size = size,
                              .flush_ms = flush_ms,
                              .gzip_level = gzip_level};
    return b->at && pthread_mutex_init(&b->lock, NULL) == 0 ? b : NULL;
}

/* More than any text takes: what cannot be made smaller is stored, a few bytes for each 64 kB. */
static size_t packed_most(size_t len)
{
    return len + len / 512 + 1024;
}

/* All of it as one member; a length of 0: there is no memory for that. */
static size_t pack(int level, struct span lines, uint8_t *at, size_t size)
{
    struct gzip_stream *spare = NULL;
    struct gzip_stream *stream = gzip_stream_open(&spare, level, lines.len);
    struct buffer out = buffer_over(at, size);
    enum rc rc =
        stream ? gzip_stream_push(stream, &lines, GZIP_END, &out) : (enum rc)RC_MEMORY;

    gzip_stream_close(stream);
    return rc == RC_OK ? out.len : 0;
}

static void write_packed(int level, struct span lines, line_writer *write, void *of)
{
    size_t size = packed_most(lines.len), len;
    uint8_t *at = malloc(size);

    len = at ? pack(level, lines, at, size) : 0;
    if (len > 0)
        write(of, span_of(at, len));
    else
        log_line(LOG_LEVEL_ALERT, "no memory to compress %zu bytes of a log: they are lost",
                 lines.len);
    free(at);
}

static void put(const struct line_buffer *b, struct span lines, line_writer *write, void *of)
{
    if (lines.len == 0)
        return;
    if (b->gzip_level > 0)
        write_packed(b->gzip_level, lines, write, of);
    else
        write(of, lines);
}

static void flush(struct line_buffer *b, line_writer *write, void *of)
{
    put(b, span_of(b->at, b->len), write, of);
    b->len = 0;
    b->due_ms = 0;
}

void line_buffer_add(struct line_buffer *b, struct span line, line_writer *write, void *of)
{
    pthread_mutex_lock(&b->lock);
    if (line.len > b->size - b->len)
        flush(b, write, of);
    if (line.len > b->size) {
        put(b, line, write, of);
    } else {
        memcpy(b->at + b->len, line.at, line.len);
        b->len += line.len;
        if (b->flush_ms > 0 && b->due_ms == 0)
            b->due_ms = clock_ms() + b->flush_ms;
    }
    pthread_mutex_unlock(&b->lock);
}

void line_buffer_flush(struct line_buffer *b, line_writer *write, void *of)
{
    pthread_mutex_lock(&b->lock);
    flush(b, write, of);
    pthread_mutex_unlock(&b->lock);
}

uint64_t line_buffer_due(struct line_buffer *b)
{
    uint64_t due_ms;

    pthread_mutex_lock(&b->lock);
    due_ms = b->due_ms;
    pthread_mutex_unlock(&b->lock);
    return due_ms;
}
