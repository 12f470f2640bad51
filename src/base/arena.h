/*
 * Memory with a lifetime instead of owners: everything taken from an arena goes at once, with
 * arena_clear. {0} is an empty arena.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/span.h"

struct arena {
    struct arena_block *last; /* the one that is being filled */
    size_t used, size;        /* of that block */
};

/* Zeroed, aligned for any type. NULL when there is no memory. */
void *arena_take(struct arena *arena, size_t size);

/* `count` members of `size` bytes each; NULL also when the product would wrap. */
void *arena_take_array(struct arena *arena, size_t count, size_t size);

/* A copy with a NUL behind it, which its length does not count. `at` is NULL when there is no memory. */
struct span arena_copy(struct arena *arena, struct span s);

/* The same as a C string. */
char *arena_text(struct arena *arena, struct span s);

char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* As arena_clear, but one block of ordinary size is kept for the next use. */
void arena_reset(struct arena *arena);

void arena_clear(struct arena *arena);

#endif
