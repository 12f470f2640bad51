/* 'keep create' of an encrypted folder. */
#ifndef KEEP_COMMAND_CREATE_FOLDER_H
#define KEEP_COMMAND_CREATE_FOLDER_H

#include "crypto/kdf.h"
#include "vault/credential/credential.h"

struct create_folder {
    const char *path;
    const char *header; /* where its header comes to stand; NULL: in it */
    const char *label;
    const struct credential *credential;
    bool generate; /* a passphrase, shown once */
    struct kdf_params kdf;
    unsigned kdf_ms; /* to be measured; 0: the costs were given */
    bool plain_names;
    /* It has plain files, which are to be encrypted: nothing is said when it is made, and the volume key
     * comes here. */
    struct secret *key;
};

/*
 * The directory is made where it is missing, and has to be empty otherwise.
 *
 * RC_USAGE  it is not, and what can be done
 */
enum rc create_folder(struct create_folder *what, struct fault *why);

/*
 * No folder is made in what an encrypted one keeps its files in: its directories have a keep.dir too.
 *
 * RC_USAGE  `path` is in one, or would be
 */
enum rc create_folder_check_around(const char *path, struct fault *why);

#endif
