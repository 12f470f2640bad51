/* 'keep cat' of one file of an encrypted folder. */
#ifndef KEEP_COMMAND_FOLDER_CAT_H
#define KEEP_COMMAND_FOLDER_CAT_H

#include "keep/command/folder_open.h"

/* Bytes [offset, offset + length) of it, as far as it goes, to standard output. */
enum rc folder_cat(struct folder_opening *opening, const char *path, uint64_t offset,
                   uint64_t length, struct fault *why);

/*
 * One file of an open tree to a descriptor.
 *
 *   lost  `to` is a new file: counts the bytes that cannot be read, which are a hole there, as long runs of zeros are;
 *         NULL: the first one ends it
 *
 * RC_FORMAT  a part of it is not authentic
 */
enum rc folder_copy_file(struct tree *tree, uint64_t node, int to, uint64_t offset,
                         uint64_t length, uint64_t *lost, struct fault *why);

#endif
