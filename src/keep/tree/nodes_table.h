/* The table behind nodes.h, for nodes*.c alone. Functions here want `lock` to be held. */
#ifndef KEEP_TREE_NODES_TABLE_H
#define KEEP_TREE_NODES_TABLE_H

#include <pthread.h>
#include <stddef.h>

#include "keep/tree/nodes.h"

enum { NODES_GUARDS = 64 };

/* One name of a node. The directory is kept for as long as a name in it is known. */
struct node_name {
    struct node_name *next;       /* of the same hash */
    struct node_name *next_alias; /* of the same node */
    struct node *node, *directory;
    uint32_t hash;
    char text[];
};

struct node_slot {
    struct node *node;
    uint32_t turn;      /* how many nodes were here before: the upper half of an id */
    uint32_t next_free; /* 0: none */
};

struct nodes {
    void (*drop)(void *kept);
    dev_t device; /* of the root */
    struct node *root;
    pthread_mutex_t lock;    /* over what follows, and over the nodes */
    struct node_slot *slots; /* by the lower half of an id; the first stands empty */
    uint32_t slot_count, slots_used, free_slot;
    struct node **by_inode;
    struct node_name **by_name;
    size_t inode_mask, name_mask; /* sizes of both, powers of two, less 1 */
    size_t inode_count, name_count;
    struct list recent; /* directories that have a descriptor, the latest first */
    unsigned recent_count, recent_max;
    unsigned open_count,
        open_max; /* files that have a descriptor, and directories that are read */
    /* By the slot of a directory: held by many while names in it are used, by one while they
     * change. */
    pthread_rwlock_t guards[NODES_GUARDS];
};

/* Takes the node out if nobody needs it any more, and then whatever it alone kept: onto `gone`. */
void table_settle(struct nodes *nodes, struct node *node, struct node **gone);
/* Without the lock: frees what was taken out. */
void table_free(struct nodes *nodes, struct node *gone);
/* No file that is looked up anew is this one: its number may be given to another. */
void table_part(struct nodes *nodes, struct node *node);
/* The node of a file, made if it is new. NULL: no memory */
struct node *table_node(struct nodes *nodes, const struct stat *about, struct node **gone);

/* Takes one name out of the table and off its node, and lets go of its directory. */
void table_remove_name(struct nodes *nodes, struct node_name *name, struct node **gone);

pthread_rwlock_t *table_guard(struct nodes *nodes, const struct node *directory);

#endif
