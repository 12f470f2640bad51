/* Paths that may not lead over symbolic links: disable_symlinks. */
#ifndef GATE_RESPOND_SYMLINKS_H
#define GATE_RESPOND_SYMLINKS_H

#include <sys/stat.h>

#include "base/span.h"

enum symlinks_rule {
    SYMLINKS_FOLLOWED,
    SYMLINKS_REFUSED,  /* none */
    SYMLINKS_OF_OWNER, /* those that belong to whom what they lead to belongs */
};

struct symlinks {
    enum symlinks_rule rule;
    struct span
        from; /* a path that begins with it is followed as far as that; empty: none is */
};

/* How much of the path is followed, whatever the rule: `from`, up to a '/', or all of it. */
size_t symlinks_trusted(const struct symlinks *s, const char *path);

/*
 * As open(2) for reading and stat(2), of an absolute path. -1 with ELOOP: a link that may not be followed; ENOTDIR
 * where it stands for a folder (with SYMLINKS_REFUSED), as in nginx. No link can be put in the way between a look at it and the step over it.
 */
int symlinks_open(const struct symlinks *s, const char *path, int flags);
int symlinks_stat(const struct symlinks *s, const char *path, struct stat *found);

#endif
