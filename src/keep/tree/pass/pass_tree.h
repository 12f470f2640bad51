/* For pass*.c alone. */
#ifndef KEEP_TREE_PASS_PASS_TREE_H
#define KEEP_TREE_PASS_PASS_TREE_H

#include "keep/tree/nodes.h"
#include "keep/tree/pass/pass.h"

struct pass {
    struct tree tree;
    struct nodes *nodes;
    int root;
};

static inline struct pass *pass_of(struct tree *t)
{
    return (struct pass *)(void *)t;
}

int pass_look_up(struct tree *t, uint64_t parent, const char *name, struct tree_entry *out);
int pass_make(struct tree *t, uint64_t parent, const char *name, const struct tree_new *what,
              struct tree_entry *out);
int pass_create(struct tree *t, uint64_t parent, const char *name, const struct tree_new *what,
                int flags, struct tree_entry *out, tree_handle *file);
int pass_link(struct tree *t, uint64_t node, uint64_t parent, const char *name,
              struct tree_entry *out);
int pass_unlink(struct tree *t, uint64_t parent, const char *name);
int pass_remove_directory(struct tree *t, uint64_t parent, const char *name);
int pass_rename(struct tree *t, uint64_t parent, const char *name, uint64_t new_parent,
                const char *new_name, unsigned flags);
int pass_open_directory(struct tree *t, uint64_t node, tree_handle *directory);
int pass_read_directory(struct tree *t, tree_handle directory, uint64_t from, bool look_up,
                        tree_fill fill, void *of);
int pass_sync_directory(struct tree *t, tree_handle directory);
void pass_release_directory(struct tree *t, tree_handle directory);

#endif
