#include "gate/respond/file_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"

struct file_entry {
    struct list by_use; /* the latest first */
    struct file_entry *next;
    struct file_cache *cache;
    char *path;
    uint64_t hash;
    enum symlinks_rule rule;
    size_t trusted; /* symlinks_trusted */
    struct stat found;
    int error, fd;
    uint64_t looked_ms, used_ms, uses;
    unsigned holders; /* requests that send from `fd`, and the cache itself */
};

struct file_cache {
    struct file_cache *next;
    pthread_mutex_t lock;
    uint64_t max, inactive_ms, count;
    size_t mask;
    struct file_entry **rows;
    struct list by_use;
};

struct file_cache *file_caches_add(struct file_caches *caches, uint64_t max,
                                   uint64_t inactive_ms, struct arena *arena)
{
    struct file_cache *cache = arena_take(arena, sizeof *cache);
    size_t rows = 8;

    while (rows < max)
        rows *= 2;
    if (!cache ||
        !(cache->rows = arena_take_array(arena, rows, sizeof(struct file_entry *))) ||
        pthread_mutex_init(&cache->lock, NULL) != 0)
        return NULL;
    cache->max = max;
    cache->inactive_ms = inactive_ms;
    cache->mask = rows - 1;
    list_init(&cache->by_use);
    cache->next = caches->first;
    caches->first = cache;
    return cache;
}

/* FNV-1a */
static uint64_t hash_of(const char *path)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (; *path; path++)
        hash = (hash ^ (uint8_t)*path) * 0x100000001b3;
    return hash ^ hash >> 32;
}

static void let_go(struct file_entry *entry)
{
    if (--entry->holders > 0)
        return;
    if (entry->fd >= 0)
        close(entry->fd);
    free(entry->path);
    free(entry);
}

static void forget(struct file_cache *cache, struct file_entry *entry)
{
    struct file_entry **link = &cache->rows[entry->hash & cache->mask];

    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    list_remove(&entry->by_use);
    cache->count--;
    let_go(entry);
}

/* Those that nobody asks for any more, and the ones that there is no room for. */
static void make_room(struct file_cache *cache, uint64_t now_ms)
{
    while (!list_is_empty(&cache->by_use)) {
        struct file_entry *last = LIST_OWNER(cache->by_use.prev, struct file_entry, by_use);

        if (cache->count < cache->max && now_ms - last->used_ms <= cache->inactive_ms)
            return;
        forget(cache, last);
    }
}

void file_caches_clear(struct file_caches *caches)
{
    for (struct file_cache *cache = caches->first; cache; cache = cache->next) {
        while (!list_is_empty(&cache->by_use))
            forget(cache, LIST_OWNER(cache->by_use.prev, struct file_entry, by_use));
        pthread_mutex_destroy(&cache->lock);
    }
    caches->first = NULL;
}

static struct file_entry *find(const struct file_way *way, const char *path, uint64_t hash)
{
    struct file_entry *entry = way->cache->rows[hash & way->cache->mask];
    const size_t trusted = symlinks_trusted(&way->links, path);

    while (entry && (entry->hash != hash || entry->rule != way->links.rule ||
                     entry->trusted != trusted || strcmp(entry->path, path) != 0))
        entry = entry->next;
    return entry;
}

static struct file_entry *add(const struct file_way *way, const char *path, uint64_t hash)
{
    struct file_cache *cache = way->cache;
    struct file_entry *entry = calloc(1, sizeof *entry);

    if (!entry || !(entry->path = strdup(path))) {
        free(entry);
        return NULL;
    }
    entry->cache = cache;
    entry->hash = hash;
    entry->rule = way->links.rule;
    entry->trusted = symlinks_trusted(&way->links, path);
    entry->fd = -1;
    entry->holders = 1;
    entry->next = cache->rows[hash & cache->mask];
    cache->rows[hash & cache->mask] = entry;
    cache->count++;
    list_add(&cache->by_use, &entry->by_use);
    return entry;
}

/* Is what is known of it recent enough? `wants_file`: as something to send, too. */
static bool answers(const struct file_way *way, const struct file_entry *entry,
                    bool wants_file, uint64_t now_ms)
{
    return now_ms - entry->looked_ms < way->valid_ms &&
           (!wants_file || entry->error || entry->fd >= 0 || S_ISDIR(entry->found.st_mode));
}

static void touch(struct file_entry *entry, uint64_t now_ms)
{
    list_remove(&entry->by_use);
    list_add(&entry->cache->by_use, &entry->by_use);
    entry->used_ms = now_ms;
    entry->uses++;
}

/* What was found just now. */
struct look {
    struct stat found;
    int error, fd;
};

static bool is_same(const struct file_entry *entry, const struct look *look)
{
    return !entry->error && !look->error && entry->found.st_dev == look->found.st_dev &&
           entry->found.st_ino == look->found.st_ino;
}

/* Remembers it; the entry to hold where look->fd is the cache's from now on, or one like it. */
static struct file_entry *remember(const struct file_way *way, const char *path, uint64_t hash,
                                   struct look *look, uint64_t now_ms)
{
    struct file_entry *entry = find(way, path, hash);
    uint64_t uses = entry ? entry->uses : 0;

    if (entry && !is_same(entry, look)) {
        forget(way->cache, entry);
        entry = NULL;
    }
    if (look->error && !way->errors)
        return NULL;
    if (!entry) {
        make_room(way->cache, now_ms);
        entry = add(way, path, hash);
        if (!entry)
            return NULL;
        entry->uses = uses;
    }
    touch(entry, now_ms);
    entry->found = look->found;
    entry->error = look->error;
    entry->looked_ms = now_ms;
    if (look->fd < 0)
        return NULL;
    if (entry->fd < 0) {
        if (entry->uses < way->min_uses)
            return NULL;
        entry->fd = look->fd;
    } else {
        close(look->fd); /* the one that is open is the same file */
    }
    look->fd = entry->fd;
    entry->holders++;
    return entry;
}

/* True: it was known, and *look says what; `held`: what to give back. */
static bool recall(const struct file_way *way, const char *path, uint64_t hash,
                   bool wants_file, uint64_t now_ms, struct look *look,
                   struct file_entry **held)
{
    struct file_entry *entry = find(way, path, hash);

    if (!entry || !answers(way, entry, wants_file, now_ms))
        return false;
    touch(entry, now_ms);
    *look = (struct look){entry->found, entry->error, entry->fd};
    if (wants_file && entry->fd >= 0) {
        entry->holders++;
        *held = entry;
    }
    return true;
}

static void look_for_file(const struct symlinks *links, const char *path, struct look *look)
{
    look->fd = symlinks_open(links, path, O_RDONLY | O_NONBLOCK);
    look->error = look->fd < 0 || fstat(look->fd, &look->found) < 0 ? errno : 0;
    if (look->fd >= 0 && (look->error || S_ISDIR(look->found.st_mode))) {
        close(look->fd);
        look->fd = -1;
    }
}

static void look_at(const struct symlinks *links, const char *path, bool wants_file,
                    struct look *look)
{
    *look = (struct look){.fd = -1};
    if (wants_file)
        look_for_file(links, path, look);
    else if (symlinks_stat(links, path, &look->found) < 0)
        look->error = errno;
}

static void look_through_cache(const struct file_way *way, const char *path, bool wants_file,
                               struct look *look, struct file_entry **held)
{
    const uint64_t hash = hash_of(path), now_ms = clock_ms();
    bool known;

    pthread_mutex_lock(&way->cache->lock);
    known = recall(way, path, hash, wants_file, now_ms, look, held);
    pthread_mutex_unlock(&way->cache->lock);
    if (known)
        return;
    look_at(&way->links, path, wants_file, look);
    pthread_mutex_lock(&way->cache->lock);
    *held = remember(way, path, hash, look, now_ms);
    pthread_mutex_unlock(&way->cache->lock);
}

int file_way_open(const struct file_way *way, const char *path, struct stat *found, int *fd,
                  struct file_entry **held)
{
    static const struct symlinks followed = {SYMLINKS_FOLLOWED, {0}};
    struct look look;

    *held = NULL;
    if (way && way->cache)
        look_through_cache(way, path, true, &look, held);
    else
        look_at(way ? &way->links : &followed, path, true, &look);
    *found = look.found;
    *fd = look.fd;
    errno = look.error;
    return look.error ? -1 : 0;
}

void file_way_close(int fd, struct file_entry *held)
{
    struct file_cache *cache;

    if (!held) {
        if (fd >= 0)
            close(fd);
        return;
    }
    cache = held->cache;
    pthread_mutex_lock(&cache->lock);
    let_go(held);
    pthread_mutex_unlock(&cache->lock);
}

int file_way_stat(const struct file_way *way, const char *path, struct stat *found)
{
    struct file_entry *held = NULL;
    struct look look;

    if (!way || !way->cache)
        return way ? symlinks_stat(&way->links, path, found) : stat(path, found);
    look_through_cache(way, path, false, &look, &held);
    *found = look.found;
    errno = look.error;
    return look.error ? -1 : 0;
}
