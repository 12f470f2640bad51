/* 'keep shred' of one file in an encrypted folder that is closed. */
#ifndef KEEP_COMMAND_SHRED_FILE_H
#define KEEP_COMMAND_SHRED_FILE_H

#include "keep/command/folder_open.h"

/*
 * "docs/private/letter": is it a file in an encrypted folder, which a directory on the way is? Then
 * *folder is that directory, the caller's to free, and the rest is returned; else NULL.
 */
const char *shred_file_split(const char *path, char **folder);

/* Overwrites the header page, flushes and reads it back, and takes the name away. */
enum rc shred_file(struct folder_opening *opening, const char *path, bool yes,
                   struct fault *why);

#endif
