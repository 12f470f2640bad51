#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_SIZE = 4096 };

struct arena_block {
    struct arena_block *before;
    alignas(max_align_t) uint8_t bytes[];
};

void *arena_take(struct arena *arena, size_t size)
{
    size_t align = alignof(max_align_t);
    void *at;

    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + align - 1) / align * align;
    if (!arena->last || size > arena->size - arena->used) {
        size_t room = size > BLOCK_SIZE / 2 ? size : BLOCK_SIZE - sizeof(struct arena_block);
        struct arena_block *block = calloc(1, sizeof *block + room);

        if (!block)
            return NULL;
        if (arena->last &&
            room == size) { /* a big one of its own: go on filling the old one */
            block->before = arena->last->before;
            arena->last->before = block;
            return block->bytes;
        }
        block->before = arena->last;
        arena->last = block;
        arena->size = room;
        arena->used = 0;
    }
    at = arena->last->bytes + arena->used;
    arena->used += size;
    return at;
}

void *arena_take_array(struct arena *arena, size_t count, size_t size)
{
    size_t all;

    return __builtin_mul_overflow(count, size, &all) ? NULL : arena_take(arena, all);
}

struct span arena_copy(struct arena *arena, struct span s)
{
    uint8_t *at = s.len < SIZE_MAX ? arena_take(arena, s.len + 1) : NULL;

    if (!at)
        return (struct span){0};
    if (s.len > 0)
        memcpy(at, s.at, s.len);
    return span_of(at, s.len);
}

char *arena_text(struct arena *arena, struct span s)
{
    return (char *)(uintptr_t)arena_copy(arena, s).at;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    char *at = NULL;
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    if (len >= 0 && (at = arena_take(arena, (size_t)len + 1)))
        vsnprintf(at, (size_t)len + 1, format, again);
    va_end(again);
    va_end(args);
    return at;
}

void arena_reset(struct arena *arena)
{
    struct arena_block *keep = arena->last;

    if (!keep || arena->size != BLOCK_SIZE - sizeof *keep) {
        arena_clear(arena);
        return;
    }
    arena->last = keep->before;
    memset(keep->bytes, 0, arena->used);
    arena_clear(arena);
    keep->before = NULL;
    *arena = (struct arena){.last = keep, .size = BLOCK_SIZE - sizeof *keep};
}

void arena_clear(struct arena *arena)
{
    struct arena_block *block = arena->last;

    while (block) {
        struct arena_block *before = block->before;

        free(block);
        block = before;
    }
    *arena = (struct arena){0};
}
