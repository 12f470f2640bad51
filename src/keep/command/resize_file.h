/* The file or block device of a volume that 'keep resize' gives another size. */
#ifndef KEEP_COMMAND_RESIZE_FILE_H
#define KEEP_COMMAND_RESIZE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

struct resize_file {
    const char *path;
    bool is_device;
    uint64_t before, after; /* bytes */
};

/* How large it is. */
enum rc resize_file_begin(struct resize_file *file, const char *path, struct fault *why);

/*
 * What it shall be: "2G", "+1G", "-512M", or NULL for what it is.
 *
 *   least  bytes
 *
 * RC_USAGE  no such word, less than the least, or a block device, which nothing but NULL suits
 */
enum rc resize_file_read(struct resize_file *file, const char *word, uint64_t least,
                         struct fault *why);

/* Gives it that size, where that is another one. */
enum rc resize_file_set(const struct resize_file *file, struct fault *why);

/* Says how large it is now, and what that means to a file system inside. */
void resize_file_print(const struct resize_file *file, bool grown_inside);

#endif
