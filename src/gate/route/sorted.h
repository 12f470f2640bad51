/* Texts in order, each with something of its owner's: filled while the configuration is read, searched afterwards. */
#ifndef GATE_ROUTE_SORTED_H
#define GATE_ROUTE_SORTED_H

#include "base/arena.h"
#include "base/span.h"

struct sorted_row {
    struct span text; /* a view that its owner keeps */
    void *of;
};

/* {0} is empty. */
struct sorted {
    struct sorted_row *rows;
    size_t count;
};

#define SORTED_NONE SIZE_MAX

/* Byte by byte; where one text is the beginning of the other it comes first. */
int sorted_compare(struct span a, struct span b);

/* The row with that text: a new one, with `of` NULL, where there was none. NULL: no memory. */
struct sorted_row *sorted_insert(struct sorted *s, struct span text, struct arena *arena);

/* The index of the last row that is not behind `text`, or SORTED_NONE. */
size_t sorted_floor(const struct sorted *s, struct span text);

/* What belongs to exactly that text, or NULL. */
void *sorted_find(const struct sorted *s, struct span text);

#endif
