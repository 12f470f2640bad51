/* Reads everything in a folder that is closed, and says what is wrong with it. */
#ifndef KEEP_TREE_FOLDER_CHECK_H
#define KEEP_TREE_FOLDER_CHECK_H

#include "keep/tree/folder/folder.h"

enum check_finding {
    CHECK_DAMAGED,    /* not authentic, cut, or where it does not belong */
    CHECK_UNFINISHED, /* left by an interruption; nothing is lost */
    CHECK_FOREIGN,    /* no file of this folder */
};

struct check_counts {
    uint64_t files, directories, links, bytes;
    uint64_t found[CHECK_FOREIGN + 1];
    uint64_t moved;
    uint64_t behind; /* bytes behind the ends of files, which nobody reads */
};

struct check_what {
    bool repair; /* what is found is moved into the folder's keep.aside */
    /* Called for each finding; `place` is the path as it is shown, or as it is on the disk. */
    void (*found)(void *of, enum check_finding finding, const char *place, const char *what);
    void *of;
};

/* RC_IO, RC_MEMORY: it could not be read to the end. What is found is no failure. */
enum rc folder_check(const char *directory, const struct folder_format *format,
                     const struct secret *volume_key, const struct check_what *what,
                     struct check_counts *counts, struct fault *why);

#endif
