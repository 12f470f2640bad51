/* Files of the file system below, by a directory's descriptor and a name. A negative errno where
 * it fails. */
#ifndef KEEP_TREE_LOWER_H
#define KEEP_TREE_LOWER_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

enum { LOWER_PATH_MAX = NAME_MAX + 40 };

/* Writes "/proc/self/fd/AT/NAME", for calls that take a path alone; without the name where it is
 * NULL: that file itself. */
void lower_path(char out[LOWER_PATH_MAX], int at, const char *name);

/*
 * Opens a file for reading, and for writing if wanted, also where its mode keeps its own owner
 * from that: the kernel has looked at the mode already, and what is written has to be read.
 * Follows no symbolic link.
 */
int lower_open(int at, const char *name, bool write);

#endif
