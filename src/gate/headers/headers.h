/*
 * The fields that a location adds to an answer's head, and those of the answer's own that they stand in
 * for. Knows the answer by a few facts and the request as the subject of templates alone.
 */
#ifndef GATE_HEADERS_HEADERS_H
#define GATE_HEADERS_HEADERS_H

#include "base/buffer.h"
#include "gate/headers/headers_settings.h"

/* For one answer. {0}: nothing is added. */
struct headers_turn {
    const struct headers_settings *settings; /* NULL: nothing is added */
    struct expires expires;
    bool
        weak_etag; /* set by the caller: the body changes on its way, and an added ETag with it */
    bool usual;    /* the status is one that fields are added to without "always" */
    uint64_t replaced; /* bit 1 << id: the answer's own field is left out */
};

/* Is it 200, 201, 204, 206, 301, 302, 303, 304, 307 or 308? */
bool headers_is_usual(unsigned status);

/* What there is to do for an answer with that status. `subject` is what templates are evaluated with. */
struct headers_turn headers_begin(const struct headers_settings *s, unsigned status,
                                  void *subject);

/* Does the answer's own field stay out, because another one is added in its place? */
static inline bool headers_replaces(const struct headers_turn *turn, enum field_id id)
{
    return turn->replaced >> id & 1;
}

/*
 * The fields as lines. `last_modified`: the answer's own, or empty. CR, LF and NUL in a value become blanks
 * (RFC 9110, section 5.5): no variable begins a line of its own. Too small a buffer leaves out->full set.
 */
void headers_write(const struct headers_turn *turn, time_t now, struct span last_modified,
                   void *subject, struct buffer *out);

/* A template as the value of a field, cleaned like these; false where it is empty, and nothing is added. */
bool headers_write_field(struct span name, const struct template *value, void *subject,
                         struct buffer *out);

#endif
