/* Where variables put values that they make. */
#ifndef GATE_VARIABLES_ROOM_H
#define GATE_VARIABLES_ROOM_H

#include "gate/request.h"

/* The request of the client itself, of which r may be one inside. */
static inline struct request *client_s(struct request *r)
{
    return r->parent ? r->parent : r;
}

/* Memory of the request; `at` is NULL where there is none. */
static inline struct buffer room(struct request *r, size_t size)
{
    return buffer_over(request_memory(r, size), size);
}

/* False where there was no memory, or not enough room. */
static inline bool give(const struct buffer *b, struct span *value)
{
    *value = buffer_span(b);
    return b->at && !b->full;
}

#endif
