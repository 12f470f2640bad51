/* From a directory and a credential to an encrypted folder: what every command on one begins with. */
#ifndef KEEP_COMMAND_FOLDER_OPEN_H
#define KEEP_COMMAND_FOLDER_OPEN_H

#include "keep/command/credential_options.h"
#include "keep/command/luks_target.h"
#include "keep/tree/tree.h"

/* Is a directory there? */
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

/* What is at a path in it, "" being its root; looked up once where it is not. RC_FORMAT: it is not authentic */
enum rc folder_find(struct tree *tree, const char *folder, const char *path,
                    struct tree_entry *out, struct fault *why);

/* What the options of a command that reads in a folder begin with. */
struct folder_reading_options {
    struct credential_options credential;
    const char *key_slot, *header;
};

#define FOLDER_READING_ROWS                                                                   \
    CREDENTIAL_ROWS(struct folder_reading_options),                                           \
        {"key-slot", 0, "NUMBER", "Try this key slot alone.",                                 \
         offsetof(struct folder_reading_options, key_slot)},                                  \
    {                                                                                         \
        "header", 0, "FILE", "The header is in this file, and not in the folder.",            \
            offsetof(struct folder_reading_options, header)                                   \
    }

/* One without a mount: its words, and what is done with what is found there. */
struct folder_reading {
    const char *folder, *path; /* as the user named them; the path is "" for all of it */
    const struct folder_reading_options *options;
    enum rc (*read)(struct tree *tree, const struct tree_entry *found,
                    const struct folder_reading *reading, struct fault *why);
    const void *of;
};

enum status folder_read(const struct folder_reading *reading, struct fault *why);

#endif
