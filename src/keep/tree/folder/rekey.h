/*
 * Gives a folder that is closed a new volume key, where it stands. What is written anew are names, targets, attributes
 * and the headers of files and directories; contents too where files get new keys, and else they stay under
 * those that they have. What was begun goes on with the next call: each thing is under the one key or under the other.
 */
#ifndef KEEP_TREE_FOLDER_REKEY_H
#define KEEP_TREE_FOLDER_REKEY_H

#include "keep/tree/folder/folder.h"

struct rekey_counts {
    uint64_t files, directories, links;
    uint64_t bytes;   /* of the files */
    uint64_t damaged; /* things that open under neither key, and stay as they are */
};

struct rekey_what {
    const char *directory;
    struct folder_format format;
    const struct secret *previous; /* the volume key before */
    const struct secret *key; /* the new one; NULL: all is looked at, and nothing changed */
    bool renews;              /* files get new keys */
    bool (*stop)(void);       /* asked between two files, or parts of them; may be NULL */
    /* Called as `bytes` of the counts grows; may be NULL. */
    void (*progress)(void *of, uint64_t bytes);
    /* Called for each thing that opens under neither. */
    void (*damaged)(void *of, const char *place, const char *what);
    void *of;
};

/*
 * All is on the disk when it ends.
 *
 * RC_DENIED  the folder's root opens under neither key
 * RC_IO      the place first, then why, or it was stopped: nothing is lost, and another call goes on
 */
enum rc folder_rekey(const struct rekey_what *what, struct rekey_counts *counts,
                     struct fault *why);

#endif
