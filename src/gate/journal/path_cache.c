#include "gate/journal/path_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

struct entry {
    char *path; /* NULL: it is free */
    uint64_t hash, uses, used_ms, looked_ms;
    int fd; /* -1: not open */
    dev_t device;
    ino_t inode;
};

struct path_cache {
    pthread_mutex_t lock;
    struct path_cache_limits limits;
    struct entry *entries; /* made with the first line; limits.max of them */
};

struct path_cache *path_cache_make(const struct path_cache_limits *limits, struct arena *arena)
{
    struct path_cache *cache = arena_take(arena, sizeof *cache);

    if (!cache || pthread_mutex_init(&cache->lock, NULL) != 0)
        return NULL;
    cache->limits = *limits;
    return cache;
}

/* FNV-1a: tells most paths apart before they are compared. */
static uint64_t hash_of(const char *path)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (; *path; path++)
        hash = (hash ^ (uint8_t)*path) * 0x100000001b3;
    return hash;
}

static void forget(struct entry *entry)
{
    if (entry->fd >= 0)
        close(entry->fd);
    free(entry->path);
    *entry = (struct entry){.fd = -1};
}

/* The path's entry, or else a free one, or else the one that was used longest ago, which is free then. */
static struct entry *find(struct path_cache *cache, const char *path, uint64_t now_ms)
{
    uint64_t hash = hash_of(path);
    struct entry *oldest = &cache->entries[0];

    for (uint64_t i = 0; i < cache->limits.max; i++) {
        struct entry *entry = &cache->entries[i];

        if (entry->path && now_ms - entry->used_ms > cache->limits.inactive_ms)
            forget(entry);
        if (entry->path && entry->hash == hash && strcmp(entry->path, path) == 0)
            return entry;
        if (oldest->path && (!entry->path || entry->used_ms < oldest->used_ms))
            oldest = entry;
    }
    forget(oldest);
    oldest->hash = hash;
    oldest->path = strdup(path);
    return oldest->path ? oldest : NULL;
}

static int open_path(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
}

/* Is what is open still what the path names? */
static bool is_current(const struct entry *entry)
{
    struct stat now;

    return stat(entry->path, &now) == 0 && now.st_dev == entry->device &&
           now.st_ino == entry->inode;
}

static bool open_entry(struct entry *entry, uint64_t now_ms)
{
    struct stat stat;

    entry->fd = open_path(entry->path);
    if (entry->fd < 0)
        return false;
    if (fstat(entry->fd, &stat) == 0) {
        entry->device = stat.st_dev;
        entry->inode = stat.st_ino;
    }
    entry->looked_ms = now_ms;
    return true;
}

static bool put(int fd, struct span line)
{
    ssize_t written = write(fd, line.at, line.len);

    if (written >= 0 && (size_t)written < line.len)
        errno = ENOSPC;
    return written == (ssize_t)line.len;
}

static bool append_once(const char *path, struct span line)
{
    int fd = open_path(path), error;
    bool done = fd >= 0 && put(fd, line);

    error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return done;
}

static bool append(struct path_cache *cache, struct entry *entry, struct span line)
{
    uint64_t now_ms = clock_ms();

    entry->used_ms = now_ms;
    if (++entry->uses < cache->limits.min_uses)
        return append_once(entry->path, line);
    if (entry->fd >= 0 && now_ms - entry->looked_ms >= cache->limits.valid_ms) {
        if (!is_current(entry)) {
            close(entry->fd);
            entry->fd = -1;
        }
        entry->looked_ms = now_ms;
    }
    if (entry->fd < 0 && !open_entry(entry, now_ms))
        return false;
    return put(entry->fd, line);
}

static bool has_entries(struct path_cache *cache)
{
    if (!cache->entries) {
        cache->entries = calloc(cache->limits.max, sizeof *cache->entries);
        for (uint64_t i = 0; cache->entries && i < cache->limits.max; i++)
            cache->entries[i].fd = -1;
    }
    return cache->entries;
}

bool path_cache_append(struct path_cache *cache, const char *path, struct span line)
{
    struct entry *entry;
    bool done;

    if (!cache)
        return append_once(path, line);
    pthread_mutex_lock(&cache->lock);
    entry = has_entries(cache) ? find(cache, path, clock_ms()) : NULL;
    done = entry ? append(cache, entry, line) : append_once(path, line);
    pthread_mutex_unlock(&cache->lock);
    return done;
}

void path_cache_clear(struct path_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    for (uint64_t i = 0; cache->entries && i < cache->limits.max; i++)
        forget(&cache->entries[i]);
    free(cache->entries);
    cache->entries = NULL;
    pthread_mutex_unlock(&cache->lock);
}
