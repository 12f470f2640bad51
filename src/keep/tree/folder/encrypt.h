/*
 * Makes an encrypted folder of a directory of plain files, in place and file by file. What was begun goes on with the
 * next call: a name that is authentic is done, any other is still to do.
 */
#ifndef KEEP_TREE_FOLDER_ENCRYPT_H
#define KEEP_TREE_FOLDER_ENCRYPT_H

#include "keep/tree/folder/folder.h"

struct encrypt_counts {
    uint64_t files, bytes; /* each name of a file counts */
};

/*
 * Looks whether it can be done, before anything is changed.
 *
 * RC_USAGE  a name that is the folder's own, or another file system mounted in it
 */
enum rc folder_encrypt_check(const char *directory, struct fault *why);

/*
 * The root has its header (folder_create). A plain file goes only when its encrypted one is on the disk, and
 * was read back and compared; it is overwritten first.
 *
 * RC_IO      the place first, then why: nothing is lost, and another call goes on
 * RC_FORMAT  an encrypted file beside a plain one of its name has other content
 */
enum rc folder_encrypt(const char *directory, const struct folder_format *format,
                       const struct secret *volume_key, struct encrypt_counts *counts,
                       struct fault *why);

#endif
