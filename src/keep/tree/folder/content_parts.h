/* Inside of a content, for content*.c alone. */
#ifndef KEEP_TREE_FOLDER_CONTENT_PARTS_H
#define KEEP_TREE_FOLDER_CONTENT_PARTS_H

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "base/list.h"
#include "keep/tree/folder/content.h"
#include "keep/tree/folder/tag_page.h"

enum {
    FEW_BUCKETS = 16, /* of tag pages; more come with them */
    PENDING_BUCKETS = 256,
    TAGS_MAX = 512,      /* pages in memory for one file, if no more need to be */
    DIRTY_MAX = 1024,    /* pages, at which all are written */
    UNSETTLED_MAX = 512, /* pages that must be: then there is a sync */
    PENDING_MAX = 2048,  /* blocks that wait in one file */
    PENDING_ALL = 4096,  /* in all files: from then on */
    PENDING_MANY = 512,  /* are as many as may wait in one */
    GROUP_BYTES = FILE_BLOCKS * FOLDER_PAGE,
    ALIGNED = 64, /* pages in memory: the kernel copies others up to three times as slowly */
};

/* A tag page in memory. Bit i of each set is block i of the group. */
struct tags {
    struct list recent;
    struct tags *next; /* of the same bucket */
    uint64_t group;
    bool used; /* since it was last in the way */
    bool dirty;
    bool unwritten;  /* the group has no page on the disk yet: the write under way brings it */
    bool unresolved; /* it was unsettled when it was read: a crash left it so */
    uint64_t
        synced; /* `current` was on the disk when the file was last synced: not to be lost */
    uint64_t told; /* `current` is in the page on the disk */
    struct tag_page page;
    uint64_t pending; /* the block waits in memory: its `previous` is written */
    uint64_t unsure;  /* it waits, and what is its `previous` may not be on the disk yet */
};

/* Pages in memory; nothing of them is touched to find the first. */
struct bucket {
    struct tags *first;
    uint64_t group; /* of the first */
};

struct epoch {
    struct epoch *next;
    uint32_t number;
    struct aead *aead;
};

struct content {
    const struct content_rules *rules;
    /* Taken before `lock` by who writes: it is tried again for a moment, and going to sleep takes longer. */
    pthread_mutex_t writers;
    pthread_rwlock_t lock;          /* over all but the next two */
    pthread_mutex_t memory_lock;    /* over the tag pages in memory, and adding an epoch */
    _Atomic(struct epoch *) epochs; /* the latest first; they stay as long as the content */
    struct epoch first_epoch;       /* the last of these: most files have no other */
    uint64_t nonces;                /* used in this epoch, with the header's */
    bool header_dirty;
    atomic_bool unwritten; /* nothing of the file is on the disk yet */
    bool barrier; /* the header takes away what was synced: all else goes to the disk first */
    bool durable; /* it was synced, in this life or an earlier one */
    uint64_t durable_size;
    bool cut;               /* what was cut off since then may still be on the disk */
    bool trimmed;           /* nothing lies behind the end in the file below */
    struct list recent;     /* tag pages */
    struct bucket *buckets; /* of the same, about one for each */
    unsigned tags_count, buckets_count, unsettled_count;
    unsigned waiting_count;
    unsigned places_taken;   /* and not used again before all that waits has gone */
    struct waiting *waiting; /* blocks, or NULL */
    bool half_flushed; /* some that wait may be on the disk: all go there before they change */
    struct file_header header;
    /* What follows, like the end of the header, has no value as long as nobody needs it: of most files
     * nothing but the first cache lines is ever used. */
    struct bucket few_buckets[FEW_BUCKETS];
};

/* Offsets in the file below. */
static inline uint64_t group_offset(uint64_t group)
{
    return FOLDER_PAGE * (1 + group * (1 + FILE_BLOCKS));
}

static inline uint64_t block_offset(uint64_t block)
{
    return group_offset(block / FILE_BLOCKS) + FOLDER_PAGE * (1 + block % FILE_BLOCKS);
}

static inline uint64_t blocks_of(uint64_t size)
{
    return (size + FOLDER_PAGE - 1) / FOLDER_PAGE;
}

/* The key of an epoch; NULL: no memory. */
struct aead *content_epoch(struct content *c, uint32_t number);
/* For `count` more seals: a new epoch where the old one is used up. -ENOMEM */
int content_take_nonces(struct content *c, uint64_t count);
/* From now on there are blocks: what keeps them in memory begins empty. */
void content_begin_blocks(struct content *c);
/* Writes the header page. */
int content_write_header(struct content *c, int fd);

/* content_tags.c */
bool content_is_absent(const struct content *c, uint64_t group);
/* The group, or the next one that is not absent. */
uint64_t content_next_group(const struct content *c, uint64_t group);
/* No more absent ranges than that: the smallest ones get pages. */
int content_fit_ranges(struct content *c, int fd, uint32_t most);
/* Adds the groups [from, to) to the absent ones, behind all others. */
int content_add_absent(struct content *c, int fd, uint64_t from, uint64_t to);
/* Drops what is at or behind a group from the absent ones. */
void content_cut_absent(struct content *c, uint64_t group);
/* The page in memory, or NULL. Under memory_lock, or with `lock` held for writing. */
struct tags *content_cached_tags(struct content *c, uint64_t group);
/* Is the page of a block in memory? The caches fetch what will be copied. */
bool content_expect_tags(struct content *c, uint64_t block);
/* Copies the entries of blocks [first, first + count); false where it is not in memory. */
bool content_copy_tags(struct content *c, uint64_t group, unsigned first, unsigned count,
                       struct tag_page *copy);
/* Takes a page that was read into memory, and copies it. NULL with *error: it is not authentic. */
struct tags *content_take_page(struct content *c, uint64_t group,
                               const uint8_t page[FOLDER_PAGE], struct tag_page *copy,
                               int *error);
/* The page of a group that is not absent, from memory or the disk. */
int content_read_tags(struct content *c, int fd, uint64_t group, struct tag_page *copy);
/* The same to be changed: what a crash left unsettled is looked at. An absent group is made, `unwritten`: its page
 * is to be written, or the group to be unmade. NULL with *error. */
struct tags *content_tags_to_change(struct content *c, int fd, uint64_t group, int *error);
void content_unmake_group(struct content *c, struct tags *tags);
int content_write_tags(struct content *c, int fd, struct tags *tags);
/* The same in one call with the first `len` bytes of the group's blocks, sealed. */
int content_write_tags_and(struct content *c, int fd, struct tags *tags, uint8_t *sealed,
                           size_t len);
int content_write_all_tags(struct content *c, int fd);
/* All pages of groups at or behind this one leave memory as they are. */
void content_drop_tags(struct content *c, uint64_t from);

/* Sets or clears block i of a page as unsettled, and counts. */
void tags_unsettle(struct content *c, struct tags *tags, unsigned i,
                   const struct tag_entry *previous);
/* After a sync that all tag pages were written before: blocks are settled but those that wait. */
void tags_settle(struct content *c);

/* content_read.c: one block in the clear; zeros for a hole. */
int content_read_block(struct content *c, int fd, const struct tag_page *tags, uint64_t block,
                       uint8_t out[FOLDER_PAGE]);
/* False: it is not authentic; `out` is then zeros. */
bool content_open_block(struct content *c, const struct tag_entry *entry, uint64_t block,
                        const uint8_t *sealed, uint8_t *out);

/* content_write.c: without the lock. */
int content_put(struct content *c, int fd, const uint8_t *at, size_t len, uint64_t offset);
/* content_size.c: the same; grows alone. */
int content_extend(struct content *c, int fd, uint64_t size);
/* content_commit.c: the same. */
int content_commit_all(struct content *c, int fd, bool sync);
int content_flush_pending(struct content *c, int fd);
/* What tag pages are to name as `previous`, and may not be on the disk yet, is there then. */
int content_sync_previous(struct content *c, int fd);
/* content_waiting.c: a sealed block that waits, or NULL. */
uint8_t *content_pending(struct content *c, uint64_t block);
/* Where one block more has room. NULL: no memory. */
uint8_t *content_spare(struct content *c);
/* It waits there. */
void content_add_pending(struct content *c, uint64_t block);
/* Memory in which nothing waits goes to the next one. */
void content_free_spare(struct content *c);
/* Have those of one group no room any more? */
bool content_pending_is_full(const struct content *c);
/* Do many wait, in all files together? */
bool content_many_wait(void);
/* All of them, to their places; then none waits. */
int content_write_pending(struct content *c, int fd);
void content_drop_pending(struct content *c, uint64_t from, uint64_t to);

#endif
