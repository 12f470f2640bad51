/*
 * A tree of files as programs see it: what a face (keep/mount) shows, whatever keeps it. Operations
 * may come from several threads at once. What fails says so as a file system does: a negative errno.
 */
#ifndef KEEP_TREE_TREE_H
#define KEEP_TREE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

struct tree;

/* A node is known by a number from the moment that it is looked up until it is forgotten. */
#define TREE_ROOT 1

/* An open file or directory; 0 where there is none. */
typedef uint64_t tree_handle;

struct tree_entry {
    uint64_t node;
    struct stat about; /* st_ino never changes while the tree is open, and names one file */
};

/* Who asks: the owner of what is made. */
struct tree_caller {
    uid_t uid;
    gid_t gid;
};

/* What is made: S_IFMT of `mode` says which kind. */
struct tree_new {
    /* The umask is not taken off: it is that of the thread that asks, so that the file system
     * below takes it off where no default ACL stands in its place. */
    mode_t mode;
    dev_t device;
    const char *target; /* of a symbolic link; NULL for the rest */
    struct tree_caller caller;
};

enum tree_change_fields {
    TREE_CHANGE_MODE = 1 << 0,
    TREE_CHANGE_UID = 1 << 1,
    TREE_CHANGE_GID = 1 << 2,
    TREE_CHANGE_SIZE = 1 << 3,
    TREE_CHANGE_ATIME = 1 << 4, /* tv_nsec may be UTIME_NOW */
    TREE_CHANGE_MTIME = 1 << 5, /* the same */
    TREE_CHANGE_KILL_SUID = 1 << 6,
};

struct tree_change {
    unsigned fields; /* of enum tree_change_fields */
    mode_t mode;
    uid_t uid;
    gid_t gid;
    uint64_t size;
    struct timespec atime, mtime;
};

/*
 * Takes one entry of a directory: false when it has no room for it, and then it is asked for
 * again. `next` is what read_directory goes on with after it. `entry` is NULL unless the reader
 * wanted entries looked up: then each one that is taken counts as one look-up, but for "." and
 * "..", whose `entry` is NULL always.
 */
typedef bool (*tree_fill)(void *of, const char *name, uint64_t inode, mode_t type,
                          uint64_t next, const struct tree_entry *entry);

/* A function that is NULL is one that the tree does not have: ENOSYS, which the kernel keeps in
 * mind. */
struct tree_kind {
    const char *name;

    /* Counts as one look-up of the node, as do make, create and link. -ENOENT */
    int (*look_up)(struct tree *t, uint64_t parent, const char *name, struct tree_entry *out);
    void (*forget)(struct tree *t, uint64_t node, uint64_t count);

    int (*attributes)(struct tree *t, uint64_t node, tree_handle file, struct stat *out);
    /* When the file was made. -ENODATA: nobody knows */
    int (*birth)(struct tree *t, uint64_t node, struct timespec *out);
    int (*change)(struct tree *t, uint64_t node, tree_handle file,
                  const struct tree_change *change, struct stat *out);
    /* `target` has room for PATH_MAX bytes; gives the length, and no NUL is needed. */
    ssize_t (*read_link)(struct tree *t, uint64_t node, char *target);

    int (*make)(struct tree *t, uint64_t parent, const char *name, const struct tree_new *what,
                struct tree_entry *out);
    int (*create)(struct tree *t, uint64_t parent, const char *name,
                  const struct tree_new *what, int flags, struct tree_entry *out,
                  tree_handle *file);
    /* A file without a name, open, that `link` may give one. -EOPNOTSUPP: there is none such here. */
    int (*create_unnamed)(struct tree *t, uint64_t parent, const struct tree_new *what,
                          struct tree_entry *out, tree_handle *file);
    int (*link)(struct tree *t, uint64_t node, uint64_t parent, const char *name,
                struct tree_entry *out);
    int (*unlink)(struct tree *t, uint64_t parent, const char *name);
    int (*remove_directory)(struct tree *t, uint64_t parent, const char *name);
    /* `flags` are those of renameat2(2): RENAME_NOREPLACE, RENAME_EXCHANGE. */
    int (*rename)(struct tree *t, uint64_t parent, const char *name, uint64_t new_parent,
                  const char *new_name, unsigned flags);

    /* `flags`: O_RDONLY, or O_RDWR where it is to be written. */
    int (*open)(struct tree *t, uint64_t node, int flags, tree_handle *file);
    void (*release)(struct tree *t, tree_handle file);
    /* As pread(2) and pwrite(2): short reads at the end of the file alone, whole writes or none. */
    ssize_t (*read)(struct tree *t, tree_handle file, void *at, size_t len, uint64_t offset);
    ssize_t (*write)(struct tree *t, tree_handle file, const void *at, size_t len,
                     uint64_t offset);
    int (*sync)(struct tree *t, tree_handle file, bool data_only);
    /* `mode` is that of fallocate(2). */
    int (*allocate)(struct tree *t, tree_handle file, int mode, uint64_t offset, uint64_t len);

    int (*open_directory)(struct tree *t, uint64_t node, tree_handle *directory);
    int (*read_directory)(struct tree *t, tree_handle directory, uint64_t from, bool look_up,
                          tree_fill fill, void *of);
    int (*sync_directory)(struct tree *t, tree_handle directory);
    void (*release_directory)(struct tree *t, tree_handle directory);

    /* As lgetxattr(2) and its kin: the size alone where `room` is 0, -ERANGE where it is too small. */
    ssize_t (*get_xattr)(struct tree *t, uint64_t node, const char *name, void *value,
                         size_t room);
    ssize_t (*list_xattrs)(struct tree *t, uint64_t node, char *names, size_t room);
    int (*set_xattr)(struct tree *t, uint64_t node, const char *name, const void *value,
                     size_t len, int flags);
    int (*remove_xattr)(struct tree *t, uint64_t node, const char *name);

    int (*statistics)(struct tree *t, uint64_t node, struct statvfs *out);
    /* Nobody uses it any more. The errno, negative, of what could not be saved after those who
     * wrote it had gone; it is closed all the same. */
    int (*close)(struct tree *t);
};

/* The first member of every tree. */
struct tree {
    const struct tree_kind *kind;
    bool read_only;
};

#endif
