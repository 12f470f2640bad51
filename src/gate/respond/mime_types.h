/* Content types by file name extension: the types block. Filled while the configuration is
 * read. */
#ifndef GATE_RESPOND_MIME_TYPES_H
#define GATE_RESPOND_MIME_TYPES_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/span.h"

struct mime_types;

/* Empty, for a types block. NULL when there is no memory. The arena holds all of it. */
struct mime_types *mime_types_open(struct arena *arena);

/* What holds where no types block does: html, gif, jpg. NULL when there is no memory. */
struct mime_types *mime_types_open_default(struct arena *arena);

/*
 * An extension without its dot, in any case of letters; both views must outlive the types. A
 * second one for the same extension takes its place: where mime_types_find finds it before,
 * that is worth a warning.
 */
enum rc mime_types_add(struct mime_types *types, struct span extension, struct span type);

/* In any case of letters. Empty: there is none, default_type holds. `types` may be NULL. */
struct span mime_types_find(const struct mime_types *types, struct span extension);

#endif
