/* Temporary files, for bodies that do not fit in memory. */
#ifndef GATE_HTTP_TEMP_FILE_H
#define GATE_HTTP_TEMP_FILE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/fault.h"

#define TEMP_FILE_DIRECTORY "/var/tmp" /* where the configuration names none */

/*
 * A file without a name in `directory` (NULL: the usual one), which is made where it is not there; nobody else can
 * open it, and it is gone with its descriptor. RC_IO: 'open() "/x" failed (...)'
 */
enum rc temp_file_open(const char *directory, int *fd, struct fault *why);

/*
 * Makes a directory for such files (0700), where it is not there. Those who will write to it are `owner`, if that is not
 * NULL: it becomes theirs, unless it is one like /tmp, where everybody may write. RC_IO: 'mkdir() "/x" failed (...)'
 */
enum rc temp_file_make_directory(const char *path, const uid_t *owner, struct fault *why);

/*
 * One with a name, "DIRECTORY/0000000017": *path is the caller's to free. `levels` (three, NULL: none) are how many
 * digits of its end make a folder: with {1, 2}, "DIRECTORY/7/01/0000000017"; folders are made. RC_IO, RC_MEMORY
 */
enum rc temp_file_open_named(const char *directory, const uint8_t *levels, int *fd,
                             char **path, struct fault *why);

#endif
