/*
 * An encrypted folder as a tree: docs/formats/folder.md. The files below are as many as those that are
 * shown, each encrypted by itself.
 */
#ifndef KEEP_TREE_FOLDER_FOLDER_H
#define KEEP_TREE_FOLDER_FOLDER_H

#include "base/secret.h"
#include "keep/tree/folder/keys.h"
#include "keep/tree/tree.h"

struct folder_options {
    struct folder_format format;
    bool read_only;
    bool fast; /* no flush before a block is overwritten */
};

/*
 * The volume key is used here and not kept.
 *
 * RC_NOT_FOUND    there is no such directory
 * RC_FORMAT       it has no header of a folder's root
 * RC_DENIED       it has one of another key, format or cipher, or one that was changed
 * RC_UNSUPPORTED  the cipher
 */
enum rc folder_open(struct tree **out, const char *directory,
                    const struct folder_options *options, const struct secret *volume_key,
                    struct fault *why);

/* Makes the header of an empty folder's root. RC_BUSY: there is one already. */
enum rc folder_create(const char *directory, const struct folder_format *format,
                      const struct secret *volume_key, struct fault *why);

/*
 * Destroys one file of a folder that nobody else has open: its header page is overwritten on the disk,
 * and its name removed. Its key is wanted for neither.
 *
 * RC_USAGE  it is no file, or has several names
 * RC_IO     also where something else is read than was written
 */
enum rc folder_shred(struct tree *tree, const char *path, struct fault *why);

#endif
