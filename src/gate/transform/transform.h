/*
 * Bodies that are changed as they come: bytes in, other bytes out, no I/O. A new way is a file beside this; who
 * makes one pushes the body through it and closes it.
 */
#ifndef GATE_TRANSFORM_TRANSFORM_H
#define GATE_TRANSFORM_TRANSFORM_H

#include "base/fault.h"
#include "base/span.h"
#include "base/text.h"

struct transform;

struct transform_kind {
    const char *name; /* for the error log */
    enum rc (*push)(struct transform *t, struct span in, bool last, struct text *out);
    void (*close)(struct transform *t);
};

struct transform {
    const struct transform_kind *kind;
    struct transform *next; /* whom the owner hands the bytes to */
    struct text out;
};

enum {
    TRANSFORM_AT_ONCE =
        4096 /* bytes that one push should take: what comes out may be far more */
};

/* All of `in` is taken, and with `last` all is out: t->out holds it until the next call. RC_FORMAT, RC_MEMORY */
enum rc transform_push(struct transform *t, struct span in, bool last);

/* Harmless on NULL; all of a chain. */
void transform_close(struct transform *t);

/* ---- the ways ---- */

/* One text that is replaced by another. Both live as long as the transform. */
struct transform_pair {
    struct span from; /* of either case of letters; not empty */
    struct span to;
};

/* sub_filter. `once`: each text is replaced where it first stands, and no more. NULL: no memory. */
struct transform *transform_replace(const struct transform_pair *pairs, size_t count,
                                    bool once);

#endif
