/* 'keep reencrypt' of a folder: a new volume key, where it stands. */
#ifndef KEEP_COMMAND_REENCRYPT_FOLDER_H
#define KEEP_COMMAND_REENCRYPT_FOLDER_H

#include "keep/command/command.h"
#include "keep/command/reencrypt_keys.h"

/* `header`: the file of its header; NULL: keep.luks in it. */
enum status reencrypt_folder(const char *path, const char *header,
                             const struct reencrypt_keys *keys, bool resume,
                             struct fault *why);

#endif
