/* For folder*.c alone. */
#ifndef KEEP_TREE_FOLDER_FOLDER_TREE_H
#define KEEP_TREE_FOLDER_FOLDER_TREE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "keep/tree/folder/content.h"
#include "keep/tree/folder/directory_header.h"
#include "keep/tree/folder/folder.h"
#include "keep/tree/folder/names.h"
#include "keep/tree/lower.h"
#include "keep/tree/nodes.h"

enum {
    IDLE_MAX = 64,     /* contents in memory of files that nobody has open */
    LATER_SECONDS = 5, /* after which what was written goes to the disk unasked */
    RENAMED_MAX = 256, /* objects that have two bindings */
};

/* An object whose old binding goes once its rename is on the disk. */
struct renamed {
    struct node *node; /* as by nodes_get */
    uint8_t tag[FOLDER_TAG];
};

struct folder {
    struct tree tree;
    struct nodes *nodes;
    int root;
    struct folder_keys keys;
    struct content_rules rules;
    pthread_mutex_t lock; /* over what is kept with nodes, and all that follows */
    struct list idle;     /* of struct kept, the latest first */
    unsigned idle_count;
    struct list later; /* of struct kept, the oldest first */
    struct renamed renamed[RENAMED_MAX];
    unsigned renamed_count;
    pthread_mutex_t settle_lock; /* whoever takes old bindings off */
    pthread_mutex_t times_lock;  /* over `modified` and `handles` of what is kept with nodes */
    atomic_bool names_unsynced;  /* a directory's header, or a long name */
    atomic_int lost; /* the errno of what could not be written after its writer had gone */
    pthread_t writer;
    bool has_writer, ends;
    pthread_cond_t wakes;
};

/* With a node: of a directory its id, of a file what is known of its content. */
struct kept {
    struct folder *folder;
    uint8_t id[FOLDER_ID];
    uint8_t checked[FOLDER_TAG]; /* the tag that its header was last found bound to */
    bool is_checked;
    uint64_t size;           /* while there is no content in memory */
    struct content *content; /* or NULL */
    unsigned users;          /* of the content */
    atomic_uint unread;  /* openings to read by which nothing was read so far: users to be */
    unsigned handles;    /* that programs have open */
    atomic_bool is_bare; /* it was made here, and nobody has given it a capability since */
    atomic_bool is_modified; /* writes have moved the time of the file below meanwhile */
    struct timespec
        modified; /* then: what programs see as its time, if they said nothing since */
    bool
        is_told; /* and else `modified` is the time of the file below, as long as it is open */
    bool is_later;     /* is in `later`, and by that open and a user */
    int64_t since;     /* seconds: when it came there */
    struct node *node; /* while it is there */
    struct list place; /* in `idle` or `later` */
};

static inline struct folder *folder_of(struct tree *t)
{
    return (struct folder *)(void *)t;
}

static inline struct kept *kept_of(const struct node *node)
{
    return node->kept;
}

/* folder.c */
void folder_free(struct folder *f);

/* folder_kept.c */
void folder_drop(void *kept);
/* What is kept with a node, made if need be. NULL: no memory */
struct kept *folder_keep(struct folder *f, struct node *node, const uint8_t id[FOLDER_ID]);
/* Opens the file below and its content, until folder_give. */
int folder_take(struct folder *f, struct node *node, bool write);
void folder_give(struct folder *f, struct node *node);
/* As folder_take for reading, but the content is there after folder_load alone: most files that are opened
 * again are in the kernel's pages. */
int folder_take_unread(struct folder *f, struct node *node);
int folder_load(struct folder *f, struct node *node);
/* The same where somebody has it open already. -EBADF: nobody has. */
int folder_share(struct folder *f, struct node *node);
/* The content becomes the node's if it has none yet; taken over. */
void folder_set_content(struct folder *f, struct kept *kept, struct content *content);
uint64_t folder_size(struct folder *f, struct kept *kept);
/*
 * Is what stands under a name, of which `about` was asked, what an interrupted creation left: a file of 0 bytes
 * that nobody is about to write? `about` is asked again where it may have been written meanwhile. `directory` may be
 * NULL: nobody knows it.
 */
bool folder_is_left_over(struct folder *f, struct node *directory, int at, const char *text,
                         struct stat *about);
/*
 * Its header was found bound to this tag; NULL: it gets other bindings now. Nobody but us can make a
 * header with other bindings, and an older one is found out when the file is opened; so it need
 * not be read again for each who asks by the same name.
 */
void folder_note_checked(struct folder *f, struct node *node, const uint8_t *tag);
bool folder_is_checked(struct folder *f, struct node *node, const uint8_t tag[FOLDER_TAG]);

/* folder_later.c */
int folder_start_writer(struct folder *f);
void folder_end_writer(struct folder *f);
/* Something was written: it goes to the disk some time later, if not before. */
void folder_note_written(struct folder *f, struct node *node);
/* Files that were just made, and of which nothing is written yet, are there from now on whatever happens to us. */
int folder_write_new(struct folder *f);
/* One of its names has gone: what was written is not waited with, if it was the last, and its room comes free. */
void folder_note_removed(struct folder *f, struct node *node);
/* The last who wrote has gone: what is cheap to write is written. */
void folder_note_closed(struct folder *f, struct node *node);

/*
 * folder_times.c: times of files as programs set them. The kernel gathers writes, and tells the time of the last one
 * by itself, before it closes the file; but not where that is the time that it knows, as of a file that was
 * made a moment ago. So the time from before a write comes back when the last who had the file open goes.
 * Until then it is that of our own writing, so that a crash leaves a file that changed with a time that changed.
 */
/* A program opens it, is about to change its content, and closed it. */
void folder_times_open(struct folder *f, struct node *node);
int folder_times_change(struct folder *f, struct node *node);
void folder_times_close(struct folder *f, struct node *node);
/* A program is about to say what its time is: what is cheap to write is written first. True: all is, so that nothing
 * of ours will move that time. */
bool folder_times_prepare(struct folder *f, struct node *node);
/* Then: it said so, and the file below has that time. */
void folder_times_told(struct folder *f, struct node *node, const struct timespec *modified,
                       bool prepared);
/* The time that programs see comes back, where it is due. */
int folder_times_settle(struct folder *f, struct node *node);
/*
 * Puts back what our own writing changes of a file: its times, and the bits that a write by an ordinary user takes
 * away below, which the kernel has taken away above already where that is due. `error` goes first.
 */
int folder_put_back(int fd, const struct stat *about, int error);
/* The same for a node's file, of which folder_times_before asks first. */
int folder_times_before(struct node *node, struct stat *about);
int folder_times_put_back(struct folder *f, struct node *node, struct stat *about, int error);
/* content_commit, with the times of the file as they are. */
int folder_commit(struct folder *f, struct node *node, bool sync);
/* fsync(2), by one flush: what moves the times of the file comes first. */
int folder_sync(struct folder *f, struct node *node);
/* The same for content_bind. */
int folder_bind(struct folder *f, struct node *node, const struct content_binding *binding);
/* Before something is opened for a program. Where as much is open as may be, what waits to be written is written now, and is
 * open for nothing else. -ENFILE: all of it is in use */
int folder_make_room(struct folder *f);
/* All names that were made are on the disk. */
int folder_sync_names(struct folder *f);
/* An object was renamed to the name with this tag: keeps it until its old binding goes. */
int folder_note_renamed(struct folder *f, struct node *node, const uint8_t tag[FOLDER_TAG]);
/* Old bindings go, after the disk was synced. */
int folder_settle_renamed(struct folder *f);
bool folder_is_renamed(struct folder *f, const struct node *node);

/* folder_find.c, folder_make.c, folder_remove.c, folder_rename.c */
/* What a file says of itself, as it looks from above. */
int folder_stat(struct folder *f, struct node_reached *file, struct stat *out);
/* What stands under a name on the disk of a directory that is entered; gives its node, to be put. */
int folder_look_up_at(struct folder *f, struct node *directory, int at, const char *text,
                      const uint8_t tag[FOLDER_TAG], unsigned look_ups, struct tree_entry *out,
                      struct node **added);
/* Makes the file beside a long name; nothing for others. */
int folder_put_beside(struct folder *f, int at, const struct disk_name *name);
/* The same, and it is on the disk then: what it names may be all that there is. */
int folder_put_beside_synced(struct folder *f, int at, const struct disk_name *name);
void folder_remove_beside(int at, const struct disk_name *name);
/* A name for something that has none of its own yet. */
int folder_new_name(const char *prefix, char out[64]);
/* A symbolic link with this text comes to stand under a name, in the place of what is there; owner and
 * times are those of `about`. */
int folder_replace_link(int at, const char *name, const struct stat *about,
                        const char *sealed);
/* A link in a directory that is changed gets another binding, to a tag or (NULL) to none: it is a new file. */
int folder_bind_link(struct folder *f, int at, const char *text, const uint8_t *from,
                     const uint8_t *to);
/* Takes an empty directory away, which is out of the tree already. */
void folder_remove_gone(int at, const char *text);
/* -ENOTEMPTY: it has entries in it, or something that is not the folder's. *bare: there is nothing but its header.
 * `node` is that of the directory, or NULL where nobody has looked it up. */
int folder_check_empty(struct folder *f, struct node *node, int at, const char *text,
                       bool *bare);
/* Is it a directory that a power cut took the header and all else from before anything of it was synced? Then
 * it is not there. */
bool folder_is_unmade(int at, const char *text);
/* The node of a parent, its id, and the name's form on the disk. The node is to be put, also after
 * a failure. */
int folder_name(struct folder *f, uint64_t parent, const char *name, struct node **directory,
                struct disk_name *out);

int folder_look_up(struct tree *t, uint64_t parent, const char *name, struct tree_entry *out);
int folder_make(struct tree *t, uint64_t parent, const char *name, const struct tree_new *what,
                struct tree_entry *out);
int folder_create_file(struct tree *t, uint64_t parent, const char *name,
                       const struct tree_new *what, int flags, struct tree_entry *out,
                       tree_handle *file);
/* A new file of which all is there, with its node and what is kept with it: open, and all of it taken over. */
int folder_adopt(struct folder *f, struct node *node, int fd, struct content *content,
                 struct tree_entry *out, tree_handle *file);
int folder_create_unnamed(struct tree *t, uint64_t parent, const struct tree_new *what,
                          struct tree_entry *out, tree_handle *file);
/* It is open, and gets its first name. */
int folder_link_unnamed(struct folder *f, struct node *node, struct node *directory,
                        const struct disk_name *name, struct tree_entry *out,
                        struct node **added);
int folder_link(struct tree *t, uint64_t node, uint64_t parent, const char *name,
                struct tree_entry *out);
int folder_unlink(struct tree *t, uint64_t parent, const char *name);
int folder_remove_directory(struct tree *t, uint64_t parent, const char *name);
int folder_rename(struct tree *t, uint64_t parent, const char *name, uint64_t new_parent,
                  const char *new_name, unsigned flags);

int folder_open_directory(struct tree *t, uint64_t node, tree_handle *directory);
int folder_read_directory(struct tree *t, tree_handle directory, uint64_t from, bool look_up,
                          tree_fill fill, void *of);
int folder_sync_directory(struct tree *t, tree_handle directory);
void folder_release_directory(struct tree *t, tree_handle directory);

ssize_t folder_get_xattr(struct tree *t, uint64_t node, const char *name, void *value,
                         size_t room);
ssize_t folder_list_xattrs(struct tree *t, uint64_t node, char *names, size_t room);
int folder_set_xattr(struct tree *t, uint64_t node, const char *name, const void *value,
                     size_t len, int flags);
/* Sets one on an open file, whose id is given; encrypted if that is due. */
int folder_put_xattr(struct folder *f, int fd, const uint8_t id[FOLDER_ID], const char *name,
                     const void *value, size_t len);
int folder_remove_xattr(struct tree *t, uint64_t node, const char *name);
/*
 * Encrypted ones of an open file, from the keys of one folder to those of another (NULL: they are looked
 * at alone): set on `out`, which may be the same file, and once they are on the disk there, taken from
 * `fd`. -EIO: some open under neither, and stay.
 */
int folder_turn_xattrs(struct folder *from, struct folder *to, int fd,
                       const uint8_t id[FOLDER_ID], int out);
/* Counts those of an open file that are not authentic; `aside`: they get another name, and are none of the
 * folder then. */
int folder_check_xattrs(struct folder *f, int fd, const uint8_t id[FOLDER_ID], bool aside,
                        unsigned *damaged);
/* Sets all encrypted ones of an open file on another, as they are, and syncs that. */
int folder_carry_xattrs(int from, int to);

extern const struct tree_kind folder_kind;

#endif
