/* Other programs: mkfs.ext4, fuse2fs, fusermount. Found on the PATH; they inherit nothing but
 * what is named. */
#ifndef KEEP_MOUNT_PROGRAM_H
#define KEEP_MOUNT_PROGRAM_H

#include <sys/types.h>

#include "base/fault.h"

struct program {
    pid_t pid;
    int errors; /* what it writes to standard error, in memory */
};

/*
 * Starts argv[0] (the last word is NULL) with the messages of the C locale and an empty input.
 *
 *   channel  an fd that it shall have as _FUSE_COMMFD, or -1
 *
 * RC_NOT_FOUND  it is not installed
 */
enum rc program_start(struct program *program, const char *const argv[], int channel,
                      struct fault *why);

/*
 * Waits for its end, and frees what it held. RC_OK for status 0; else RC_BUSY when its words
 * say "busy" and RC_IO otherwise, with its first line in the fault.
 */
enum rc program_finish(struct program *program, const char *name, struct fault *why);

enum rc program_run(const char *const argv[], struct fault *why);

#endif
