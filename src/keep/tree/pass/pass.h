/* A directory as a tree, as it is: what the tree costs without a cipher, and what a mount does
 * wrong that the directory does right. For tests and measurements. */
#ifndef KEEP_TREE_PASS_PASS_H
#define KEEP_TREE_PASS_PASS_H

#include "base/fault.h"
#include "keep/tree/tree.h"

/*
 * RC_NOT_FOUND, RC_IO  no directory, or one that cannot be read
 * RC_MEMORY
 */
enum rc pass_open(struct tree **out, const char *directory, bool read_only, struct fault *why);

#endif
