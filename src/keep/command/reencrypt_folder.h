/* 'keep reencrypt' of a folder: new keys, where it stands. */
#ifndef KEEP_COMMAND_REENCRYPT_FOLDER_H
#define KEEP_COMMAND_REENCRYPT_FOLDER_H

#include "keep/command/command.h"
#include "keep/command/reencrypt_keys.h"

struct reencrypt_folder {
    const char *header;  /* the file of its header; NULL: keep.luks in it */
    bool keep_file_keys; /* contents stay as they are */
    bool resume;
};

enum status reencrypt_folder(const char *path, const struct reencrypt_folder *what,
                             const struct reencrypt_keys *keys, struct fault *why);

#endif
