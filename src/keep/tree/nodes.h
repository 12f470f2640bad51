/*
 * The nodes of a tree that lies in a directory of the file system below, one file there for each
 * file of the tree: which number is which file, under which names it is known, what is open of
 * it. The names are those of the directory below, whatever the tree calls them.
 *
 * A node is kept while the kernel knows it, while it is open, and while a node below it is kept.
 * It holds no descriptor: a file is reached through that of its directory and its name there,
 * and a directory's descriptor is kept among the latest NODES_DIRECTORIES of them only.
 *
 * Two rules make that right while others rename and unlink:
 *  - a name is used (stat, open, chmod ...) only between nodes_find and nodes_leave, or between
 *    nodes_enter and nodes_exit: nobody moves it meanwhile;
 *  - names are changed (made, unlinked, renamed) only between nodes_enter with NODES_CHANGE and
 *    nodes_exit, and the table is told of each change before nodes_exit.
 * Whoever has entered one directory or found one place enters or finds no other until he has left.
 *
 *     struct node *directory = nodes_get(nodes, parent);
 *     int at = nodes_enter(nodes, directory, NODES_CHANGE);
 *
 *     if (at >= 0) {
 *         if (unlinkat(at, name, 0) == 0)
 *             nodes_removed(nodes, directory, name);
 *         nodes_exit(nodes, directory);
 *     }
 *     nodes_put(nodes, directory);
 *
 * Everything may be called from several threads at once. What fails gives a negative errno.
 */
#ifndef KEEP_TREE_NODES_H
#define KEEP_TREE_NODES_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/fault.h"
#include "base/list.h"
#include "keep/tree/lower.h"

enum {
    NODES_DIRECTORIES =
        1024, /* descriptors of directories; a quarter of RLIMIT_NOFILE if that is less */
    NODES_SPARE = 256, /* for what is opened for a moment; an eighth if that is less */
};

struct nodes;
struct node_name;

struct node {
    uint64_t id;  /* TREE_ROOT, or one that was never given before */
    mode_t type;  /* S_IFMT alone */
    dev_t device; /* of the file below, as is `inode` */
    ino_t inode;
    void *kept; /* the tree's own: NULL at first; `drop` gets it in the end */

    /* What follows is for nodes.c. */
    struct node *next;       /* of the same hash */
    struct node_name *names; /* where it was seen, the latest first */
    uint64_t look_ups;       /* that the kernel has not yet forgotten */
    uint32_t pins, children, opens;
    int fd; /* of a directory: O_PATH, one of the latest; of a file: while it is open; or -1 */
    bool writable, hashed;
    struct list recent;
};

/* A name that is in use. */
struct node_place {
    struct node *directory;
    int at;                  /* its descriptor */
    char name[NAME_MAX + 1]; /* the node's in there; "." for the root */
};

enum nodes_use {
    NODES_READ,   /* names are looked at; others may do so too */
    NODES_CHANGE, /* names are made, removed, renamed */
};

/*
 *   root  the directory, opened with O_DIRECTORY; taken over, on failure too
 *   drop  frees what a tree kept with a node that is gone; may be NULL; not called for NULL
 *
 * RC_IO, RC_MEMORY
 */
enum rc nodes_open(struct nodes **out, int root, void (*drop)(void *kept), struct fault *why);
/* Nobody uses a node any more. Closes what is open. */
void nodes_close(struct nodes *nodes);

/* Keeps the node until nodes_put. NULL: the kernel does not know it (-ESTALE). */
struct node *nodes_get(struct nodes *nodes, uint64_t id);
/* Harmless on NULL. */
void nodes_put(struct nodes *nodes, struct node *node);
/* The kernel forgot so many look-ups of it. */
void nodes_forget(struct nodes *nodes, uint64_t id, uint64_t count);

/* The directory's descriptor (O_PATH; that of the root can be read), valid while the node is
 * kept with nodes_get. -ENOTDIR, -ESTALE, -EMFILE ... */
int nodes_directory(struct nodes *nodes, struct node *directory);

/* nodes_directory, and the names in it stay as they are until nodes_exit; to be called on
 * success alone. */
int nodes_enter(struct nodes *nodes, struct node *directory, enum nodes_use use);
void nodes_exit(struct nodes *nodes, struct node *directory);
/* Two directories at once, which may be the same, with NODES_CHANGE: `at` are their descriptors. */
int nodes_enter_both(struct nodes *nodes, struct node *one, struct node *other, int at[2]);
void nodes_exit_both(struct nodes *nodes, struct node *one, struct node *other);

/* Finds one of the node's names and keeps it where it is until nodes_leave, which is to be called
 * on success alone. -ESTALE: it has none any more, and may be open all the same. */
int nodes_find(struct nodes *nodes, struct node *node, struct node_place *out);
void nodes_leave(struct nodes *nodes, struct node_place *place);
/* For link(2): nodes_find of the node, and nodes_enter of the directory that gets a new name, with
 * NODES_CHANGE, which may be the same. Gives its descriptor; wants nodes_leave_with. */
int nodes_find_with(struct nodes *nodes, struct node *node, struct node *directory,
                    struct node_place *out);
void nodes_leave_with(struct nodes *nodes, struct node *directory, struct node_place *place);

/*
 * What stands under a name of a directory that is entered: the node of that file, known from now
 * on under this name too. Kept as by nodes_get, and looked up `look_ups` times (0 or 1) more.
 *
 *   about  of lstat(2) there
 *
 * NULL: no memory
 */
struct node *nodes_add(struct nodes *nodes, struct node *directory, const char *name,
                       const struct stat *about, unsigned look_ups);
/* The same for a file that has no name, looked up once. */
struct node *nodes_add_unnamed(struct nodes *nodes, const struct stat *about);
/* The node that is known under a name of an entered directory, as by nodes_get; NULL: none is. */
struct node *nodes_named(struct nodes *nodes, struct node *directory, const char *name);
/* The name is gone: unlink(2), rmdir(2). A file that is open stays open, and a directory whose
 * descriptor is wanted (nodes_directory) just before keeps it until it is forgotten. */
void nodes_removed(struct nodes *nodes, struct node *directory, const char *name);
/* The same for renameat2(2), with both entered. -ENOMEM: the new name is not known, and will be
 * when it is looked up. */
int nodes_renamed(struct nodes *nodes, struct node *directory, const char *name,
                  struct node *new_directory, const char *new_name, bool exchange);

/*
 * Opens the file below, once for all who have it open: `fd` of the node, for reading always, and
 * for writing from the first that wants it. Each success wants one nodes_release.
 * Not while a directory is entered or a place found.
 */
int nodes_open_file(struct nodes *nodes, struct node *node, bool write);
/* The same with what was opened already (O_RDWR), when the file was made: fd is taken over. */
void nodes_adopt_file(struct nodes *nodes, struct node *node, int fd);
void nodes_release_file(struct nodes *nodes, struct node *node);
/* May one more file or directory be opened for somebody? Where not, what is done by name goes on all the same. */
bool nodes_has_room(struct nodes *nodes);
/* Is it a file that has no name any more, and goes with the last who has it open? By the one who has. */
bool nodes_is_gone(struct nodes *nodes, struct node *node);
/* The descriptor of a file that somebody has open, for as long as the node is kept open by the
 * one who asks: nodes_open_file without opening. -EBADF: nobody has. Wants nodes_release_file
 * too. */
int nodes_share_file(struct nodes *nodes, struct node *node);

/* A node's file below: its descriptor if it is open, its name otherwise. */
struct node_reached {
    struct node *node;
    struct node_place named;
    int fd; /* -1: by the name */
};

/* nodes_get, and nodes_share_file or nodes_find. On success alone it wants nodes_let_go. */
int nodes_reach(struct nodes *nodes, uint64_t id, struct node_reached *out);
void nodes_let_go(struct nodes *nodes, struct node_reached *file);
/* What the file below says, with the number that it has in the tree. -ESTALE: it is another file now. */
int nodes_stat(struct nodes *nodes, struct node_reached *file, struct stat *out);
/* When the file below was made. -ENODATA: the file system below does not say */
int nodes_birth(struct nodes *nodes, uint64_t id, struct timespec *out);
/* nodes_stat for a directory, which may have been removed and may still be asked after. */
int nodes_stat_directory(struct nodes *nodes, struct node *directory, struct stat *out);

/* A directory that is read from one end to the other. */
struct node_reading {
    struct node *node; /* as by nodes_get */
    struct lower_listing listing;
};

int nodes_open_reading(struct nodes *nodes, uint64_t id, struct node_reading **out);
void nodes_close_reading(struct nodes *nodes, struct node_reading *reading);

/* The number of the file, the same for all its names: that of the file below, and another one for
 * what lies on another file system than the root. */
ino_t nodes_inode(const struct nodes *nodes, const struct stat *about);

#endif
