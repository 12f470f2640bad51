/*
 * What is in a file: read and written in place, in the file below, as docs/formats/folder.md says. All but
 * content_load and content_create may be called from several threads at once: reads go side by
 * side, the rest one after another. `fd` is the file below, open for both where anything is
 * changed. What fails gives a negative errno; -EIO also for what is not authentic.
 */
#ifndef KEEP_TREE_FOLDER_CONTENT_H
#define KEEP_TREE_FOLDER_CONTENT_H

#include <sys/types.h>

#include "keep/tree/folder/disk.h"
#include "keep/tree/folder/file_header.h"

struct content;

/* How contents of one folder are written. */
struct content_rules {
    const struct folder_keys *keys;
    const struct disk *disk;
    bool fast;           /* no flush before a block is overwritten */
    bool renews;         /* files get new keys: they may be in the midst of it */
    uint64_t nonces_max; /* under one key; 0: as many as the format allows, less a reserve */
};

/* -ENOENT: an interrupted creation, which is no file. `rules` must outlive it. */
int content_load(struct content **out, const struct content_rules *rules, int fd);
/* A new file, bound to one name, of which nothing is written before its first content, or a commit. */
int content_make(struct content **out, const struct content_rules *rules,
                 const uint8_t tag[FOLDER_TAG]);
/* The same, and its header is written at once. */
int content_create(struct content **out, const struct content_rules *rules, int fd,
                   const uint8_t tag[FOLDER_TAG]);
/* What was not committed is lost. Harmless on NULL. */
void content_close(struct content *content);

bool content_is_unwritten(const struct content *content);
uint64_t content_size(struct content *content);
/* Bytes of the file below behind all that is the file's: what a cut that was interrupted left, or somebody else. */
uint64_t content_behind(struct content *content, int fd);
const uint8_t *content_id(const struct content *content);

/* May write all `room` bytes at `at` (`len` or more), and gives how many of them are of the file. */
ssize_t content_read(struct content *content, int fd, void *at, size_t len, uint64_t offset);
/* The whole or nothing but an errno. */
ssize_t content_write(struct content *content, int fd, const void *at, size_t len,
                      uint64_t offset);
int content_resize(struct content *content, int fd, uint64_t size);
/* As fallocate(2) with `mode`. */
int content_allocate(struct content *content, int fd, int mode, uint64_t offset, uint64_t len);

/*
 * Writes what waits, tag pages and header. With `sync` all of it is on the disk then. A file that
 * content_is_settled says no of still has old entries on the disk, and wants a sync some day.
 */
int content_commit(struct content *content, int fd, bool sync);
/* The same with `sync`, of what the file below says of itself too; and old entries stay on the disk until it is
 * committed again. */
int content_sync(struct content *content, int fd);
/* Nothing waits to be written, and no block on the disk is unsettled. */
bool content_is_settled(struct content *content);

/* What waits can be written without a flush. */
bool content_is_cheap(struct content *content);

/* Memory that is kept for the next file that is overwritten goes, if none was since the last call. */
void content_rest(void);

/* Is it valid under this name? */
bool content_is_bound(struct content *content, const uint8_t tag[FOLDER_TAG]);
/* Is it valid under any name? */
bool content_is_unbound(struct content *content);
/*
 * Binds it anew and writes the header: to `only`, to that and `also`, or, both NULL, to no name at
 * all. What is bound to no name stays so unless `rebind`. `urgent`: it is on the disk before this
 * returns, if the file was ever synced or `always`.
 */
struct content_binding {
    const uint8_t *only, *also;
    bool rebind, urgent, always;
};
/* Was it ever synced, as far as is known? */
bool content_is_durable(struct content *content);
int content_bind(struct content *content, int fd, const struct content_binding *binding);
/*
 * Writes the header under the keys of other rules, which are the content's from then on: its file key is
 * the same, or, where they renew, a new one beside it, for content_renew. What is bound to a name is bound to
 * this one instead.
 */
int content_rewrap(struct content *content, int fd, const struct content_rules *rules,
                   const uint8_t tag[FOLDER_TAG]);
/*
 * Goes on until all that is sealed in the file is under its new key, and the earlier one is gone; nothing where
 * there is none. `step` is told of bytes that are done, and stops it by true: -EINTR. *damaged counts
 * blocks, and groups, that are not authentic: they stay so. What the disk cannot read is an error.
 */
struct content_renewal {
    bool (*step)(void *of, uint64_t bytes);
    void *of;
    uint64_t damaged;
};
int content_renew(struct content *content, int fd, struct content_renewal *renewal);

#endif
