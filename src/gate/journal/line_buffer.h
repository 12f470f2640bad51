/* Lines of an access log that are kept together until there are enough of them, or it is time. Any thread. */
#ifndef GATE_JOURNAL_LINE_BUFFER_H
#define GATE_JOURNAL_LINE_BUFFER_H

#include <pthread.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

struct line_buffer {
    pthread_mutex_t lock;
    uint8_t *at;
    size_t size, len;
    uint64_t flush_ms; /* that a line may wait; 0: until there is no room */
    uint64_t due_ms; /* of clock_ms, for the oldest line; 0: there is none, or none waits so */
    int gzip_level;  /* 1 to 9: what is written is a member of its own; 0: as it is */
};

/* Writes what was kept, several lines at once, in one go. */
typedef void line_writer(void *of, struct span lines);

/* NULL: no memory. */
struct line_buffer *line_buffer_make(size_t size, uint64_t flush_ms, int gzip_level,
                                     struct arena *arena);

/* A line that is larger than the buffer is written at once, behind those before it. */
void line_buffer_add(struct line_buffer *b, struct span line, line_writer *write, void *of);

void line_buffer_flush(struct line_buffer *b, line_writer *write, void *of);

/* When line_buffer_flush is to be called; 0: there is no hurry. */
uint64_t line_buffer_due(struct line_buffer *b);

#endif
