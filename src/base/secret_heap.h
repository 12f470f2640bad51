/*
 * Many small pieces of key material: what struct secret, at a page or more each, is too large for.
 * Locked in memory, out of core dumps, wiped as they are given back. Libraries that expand keys for
 * themselves are given this heap. Safe to use from every thread, and in a child.
 *
 * An ordinary user may lock so much and no more ('ulimit -l'). Half of it goes to this heap: what is
 * beyond stays out of core dumps and is wiped, but may be swapped out.
 */
#ifndef BASE_SECRET_HEAP_H
#define BASE_SECRET_HEAP_H

#include <stddef.h>

/* `len` zero bytes, aligned to 32, and to 64 where that is more than 32; NULL where there is no memory, or where len is 0. */
void *secret_heap_take(size_t len);

/* As realloc: `at` may be NULL; where NULL is returned for another len than 0, it is as it was. */
void *secret_heap_resize(void *at, size_t len);

/* Harmless on NULL. */
void secret_heap_give(void *at);

/* Bytes that the heap has mapped, and those of them that are locked. */
struct secret_heap_use {
    size_t mapped, locked;
};

struct secret_heap_use secret_heap_use(void);

#endif
