/* Open files of logs whose paths have variables: open_log_file_cache. Any thread. */
#ifndef GATE_JOURNAL_PATH_CACHE_H
#define GATE_JOURNAL_PATH_CACHE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

struct path_cache;

struct path_cache_limits {
    uint64_t max;         /* files */
    uint64_t inactive_ms; /* without a line, it is closed */
    uint64_t valid_ms;    /* then it is looked whether the path is still that file's */
    uint64_t min_uses;    /* lines within inactive_ms, before a file stays open */
};

enum { PATH_CACHE_MAX = 65536 };

/* NULL: no memory. It is the arena's; path_cache_clear closes what is open. */
struct path_cache *path_cache_make(const struct path_cache_limits *limits,
                                   struct arena *arena);

/*
 * Appends one line to the file of that path, which is opened, and made, where it is not open. `cache` may be NULL.
 * False: errno says why.
 */
bool path_cache_append(struct path_cache *cache, const char *path, struct span line);

/* Closes all: after a rotation, and at the end. */
void path_cache_clear(struct path_cache *cache);

#endif
