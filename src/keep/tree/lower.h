/* Files of the file system below, by a directory's descriptor and a name. A negative errno where
 * it fails. */
#ifndef KEEP_TREE_LOWER_H
#define KEEP_TREE_LOWER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "keep/tree/tree.h"

enum { LOWER_PATH_MAX = NAME_MAX + 40, LOWER_LISTING_ROOM = 32 << 10 };

/* Writes "/proc/self/fd/AT/NAME", for calls that take a path alone; without the name where it is
 * NULL: that file itself. */
void lower_path(char out[LOWER_PATH_MAX], int at, const char *name);

/*
 * Opens a file for reading, and for writing if wanted, also where its mode keeps its own owner
 * from that: the kernel has looked at the mode already, and what is written has to be read.
 * Follows no symbolic link.
 */
int lower_open(int at, const char *name, bool write);

/* As renameat2(2), with RENAME_NOREPLACE also where the file system does not know it: what stands there
 * is looked for first. 0 or a negative errno. */
int lower_rename(int at, const char *name, int new_at, const char *new_name, unsigned flags);

/*
 * Sets all that `change` names but the size.
 *
 *   fd    of the file, if it is open; -1: by its name. Follows no symbolic link.
 */
int lower_change(int fd, int at, const char *name, const struct tree_change *change);

/*
 * Gives what was just made to the caller it was made for, where that is not us: his group, or
 * that of the directory if it has the set-group-ID bit. Where we are not root nothing is done.
 *
 *   fd     of it, if it is open; -1: by its name
 *   at     the directory
 *   about  of it; up to date afterwards
 */
int lower_give(int fd, int at, const char *name, const struct tree_caller *caller,
               struct stat *about);

/* An open directory that is read. */
struct lower_listing {
    int fd;
    uint64_t next; /* what the bytes at `used` go on from */
    uint64_t last; /* the same of the entry before, which may be wanted again */
    size_t used, last_used, len;
    _Alignas(8) uint8_t bytes[LOWER_LISTING_ROOM];
};

struct lower_name {
    const char *text; /* until the next call */
    ino_t inode;
    mode_t type;   /* S_IFMT; 0 where the file system does not say */
    uint64_t next; /* what to go on with */
};

/* "." or ".." */
bool lower_is_dots(const char *name);
/* Opens a directory that is to be read. The caller closes `fd`. */
int lower_listing_open(struct lower_listing *listing, int at, const char *name);
/* The entry that comes at `from`, 0 for the first: 1, 0 at the end. */
int lower_listing_next(struct lower_listing *listing, uint64_t from, struct lower_name *out);

struct text;
/* All names of an open directory but "." and "..", each with its NUL. */
int lower_listing_names(int fd, struct text *names);

#endif
