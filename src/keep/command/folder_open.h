/* From a directory and a credential to an encrypted folder: what every command on one begins with. */
#ifndef KEEP_COMMAND_FOLDER_OPEN_H
#define KEEP_COMMAND_FOLDER_OPEN_H

#include "keep/command/credential_options.h"
#include "keep/command/luks_target.h"
#include "keep/tree/tree.h"

/* Is it a directory, or, where it is not there, was it named so? */
bool folder_is_directory(const char *path);

/* RC_BUSY: 'keep encrypt' or 'keep reencrypt' has begun with it, and is not done. */
enum rc folder_check_whole(const struct luks_target *target, struct fault *why);

struct folder_opening {
    const char *path;   /* of the folder */
    const char *header; /* the file of its header; NULL: keep.luks in it */
    const struct credential *credential;
    int key_slot;
    bool read_only, fast;
    bool foreign;       /* out: there is no header of ours */
    const char *cipher; /* out, where it opened */
};

/*
 * Asks for the passphrase where that is to be done, and opens the tree.
 *
 * RC_DENIED, RC_NOT_FOUND ...  as luks_target_unlock, folder_token_find and folder_open
 */
enum rc folder_unlock(struct folder_opening *opening, struct tree **out, struct fault *why);

/* A command that reads in a folder without a mount: its words, and what is done with the open tree. */
struct folder_reading {
    const char *folder, *path; /* as the user named them; the path is "" for all of it */
    const struct credential_options *credential;
    const char *key_slot, *header; /* words of options, or NULL */
    enum rc (*read)(struct tree *tree, const struct folder_reading *reading, const void *of,
                    struct fault *why);
    const void *of;
};

enum status folder_read(const struct folder_reading *reading, struct fault *why);

#endif
