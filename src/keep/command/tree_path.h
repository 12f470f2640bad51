/* Files of a tree by their paths, for commands that need no mount. */
#ifndef KEEP_COMMAND_TREE_PATH_H
#define KEEP_COMMAND_TREE_PATH_H

#include "keep/tree/tree.h"

/* The entry at a path, "" and "/" being the root; looked up once where it is not. A negative errno. */
int tree_path_find(struct tree *tree, const char *path, struct tree_entry *out);

/* What is called for each entry of a directory, looked up (and forgotten afterwards), in the order of
 * names; `error` is why it could not be, and then `entry` is of no use. Others than 0 end it. */
typedef int tree_path_each(void *of, const char *name, const struct tree_entry *entry,
                           int error);

int tree_path_read(struct tree *tree, uint64_t node, tree_path_each *each, void *of);

#endif
