/*
 * How files are looked for, and what is remembered of those that were found, or not: open_file_cache. One cache for
 * all loops.
 */
#ifndef GATE_RESPOND_FILE_CACHE_H
#define GATE_RESPOND_FILE_CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "gate/respond/symlinks.h"

enum { FILE_CACHE_MAX = 1 << 20 };

struct file_cache; /* its files are closed by file_caches_clear */
struct file_entry;

struct file_way {
    struct symlinks links;
    struct file_cache *cache; /* NULL: none, and the rest is of no meaning */
    uint64_t valid_ms;        /* what is known longer ago is looked at again */
    uint64_t min_uses;        /* times it was asked for, before a file stays open */
    bool errors;              /* remembers what is not there, too */
};

/* All caches of one site. */
struct file_caches {
    struct file_cache *first;
};

/* Of `max` files; one that nobody asks for in `inactive_ms` is forgotten. It is the arena's. NULL: no memory. */
struct file_cache *file_caches_add(struct file_caches *caches, uint64_t max,
                                   uint64_t inactive_ms, struct arena *arena);
void file_caches_clear(struct file_caches *caches);

/*
 * As open(2) for reading, with fstat(2); -1 and errno. A directory is not opened: *fd is -1 then. What was opened is
 * given back by file_way_close; `held` says whose it is, and `way` may be NULL for the plain way.
 */
int file_way_open(const struct file_way *way, const char *path, struct stat *found, int *fd,
                  struct file_entry **held);
void file_way_close(int fd, struct file_entry *held);

/* As stat(2). */
int file_way_stat(const struct file_way *way, const char *path, struct stat *found);

#endif
