/* Where an open volume is seen: filled into its record before anything is mounted. */
#ifndef KEEP_COMMAND_OPEN_PLACE_H
#define KEEP_COMMAND_OPEN_PLACE_H

#include "keep/mount/record.h"

/*
 * The mount point, made where it is missing, and the directory for FUSE: the same one for --raw.
 *
 *   wanted  as the user names it; NULL for a directory of our own, named for the target
 *
 * RC_BUSY   something is mounted there
 * RC_USAGE, RC_LIMIT, RC_IO
 */
enum rc open_place_mountpoint(struct record *record, const char *wanted, struct fault *why);

/* The path of the socket; nothing is made. */
enum rc open_place_socket(struct record *record, const char *path, struct fault *why);

#endif
