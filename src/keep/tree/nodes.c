#include "keep/tree/nodes.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "keep/tree/nodes_table.h"
#include "keep/tree/tree.h"

enum { TABLE_MIN = 1024, SLOTS_MIN = 256 };

static uint32_t slot_of(uint64_t id)
{
    return (uint32_t)id;
}

pthread_rwlock_t *table_guard(struct nodes *nodes, const struct node *directory)
{
    return &nodes->guards[slot_of(directory->id) % NODES_GUARDS];
}

static size_t inode_hash(const struct nodes *nodes, dev_t device, ino_t inode)
{
    uint64_t mixed = ((uint64_t)inode ^ (uint64_t)device << 40) * 0x9e3779b97f4a7c15;

    return (size_t)(mixed >> 24) & nodes->inode_mask;
}

/* Without memory for more, the chains grow longer. */
static void grow_inodes(struct nodes *nodes)
{
    size_t size = (nodes->inode_mask + 1) * 2;
    struct node **old = nodes->by_inode, **grown = calloc(size, sizeof(struct node *));

    if (!grown)
        return;
    nodes->by_inode = grown;
    nodes->inode_mask = size - 1;
    for (size_t i = 0; i < size / 2; i++)
        for (struct node *node = old[i], *next; node; node = next) {
            struct node **head = &grown[inode_hash(nodes, node->device, node->inode)];

            next = node->next;
            node->next = *head;
            *head = node;
        }
    free(old);
}

static bool grow_slots(struct nodes *nodes)
{
    uint32_t count = nodes->slot_count > 0 ? nodes->slot_count * 2 : SLOTS_MIN;
    struct node_slot *grown = reallocarray(nodes->slots, count, sizeof *grown);

    if (!grown)
        return false;
    for (uint32_t i = nodes->slot_count; i < count; i++)
        grown[i] = (struct node_slot){0};
    nodes->slots = grown;
    nodes->slot_count = count;
    return true;
}

/* 0: no memory */
static uint32_t take_slot(struct nodes *nodes)
{
    uint32_t slot = nodes->free_slot;

    if (slot != 0) {
        nodes->free_slot = nodes->slots[slot].next_free;
        return slot;
    }
    if (nodes->slots_used == nodes->slot_count && !grow_slots(nodes))
        return 0;
    return nodes->slots_used++;
}

static struct node *make_node(struct nodes *nodes, const struct stat *about)
{
    struct node *node = calloc(1, sizeof *node), **head;
    uint32_t slot = node ? take_slot(nodes) : 0;

    if (slot == 0) {
        free(node);
        return NULL;
    }
    node->id = (uint64_t)nodes->slots[slot].turn << 32 | slot;
    node->type = about->st_mode & S_IFMT;
    node->device = about->st_dev;
    node->inode = about->st_ino;
    node->fd = -1;
    nodes->slots[slot].node = node;
    if (++nodes->inode_count > nodes->inode_mask)
        grow_inodes(nodes);
    head = &nodes->by_inode[inode_hash(nodes, node->device, node->inode)];
    node->next = *head;
    *head = node;
    node->hashed = true;
    return node;
}

struct node *table_node(struct nodes *nodes, const struct stat *about, struct node **gone)
{
    struct node *node = nodes->by_inode[inode_hash(nodes, about->st_dev, about->st_ino)];

    while (node && (node->inode != about->st_ino || node->device != about->st_dev))
        node = node->next;
    if (node && node->type == (about->st_mode & S_IFMT))
        return node;
    if (node) { /* another file has its number now */
        table_part(nodes, node);
        table_settle(nodes, node, gone);
    }
    return make_node(nodes, about);
}

void table_part(struct nodes *nodes, struct node *node)
{
    struct node **at = &nodes->by_inode[inode_hash(nodes, node->device, node->inode)];

    if (!node->hashed)
        return;
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    node->next = NULL;
    node->hashed = false;
    nodes->inode_count--;
}

static void take_out(struct nodes *nodes, struct node *node)
{
    struct node_slot *slot = &nodes->slots[slot_of(node->id)];

    table_part(nodes, node);
    slot->node = NULL;
    slot->turn++;
    slot->next_free = nodes->free_slot;
    nodes->free_slot = slot_of(node->id);
    if (node->recent.next && !list_is_empty(&node->recent)) {
        list_remove(&node->recent);
        nodes->recent_count--;
    }
}

void table_settle(struct nodes *nodes, struct node *node, struct node **gone)
{
    if (node->look_ups > 0 || node->pins > 0 || node->children > 0 || node->opens > 0 ||
        node == nodes->root || nodes->slots[slot_of(node->id)].node != node)
        return;
    take_out(nodes, node);
    node->next = *gone;
    *gone = node;
    while (node->names)
        table_remove_name(nodes, node->names, gone);
}

void table_free(struct nodes *nodes, struct node *gone)
{
    while (gone) {
        struct node *next = gone->next;

        if (gone->fd >= 0)
            close(gone->fd);
        if (gone->kept && nodes->drop)
            nodes->drop(gone->kept);
        free(gone);
        gone = next;
    }
}

static struct node *find_id(struct nodes *nodes, uint64_t id)
{
    struct node *node =
        slot_of(id) < nodes->slots_used ? nodes->slots[slot_of(id)].node : NULL;

    return node && node->id == id ? node : NULL;
}

struct node *nodes_get(struct nodes *nodes, uint64_t id)
{
    struct node *node;

    pthread_mutex_lock(&nodes->lock);
    node = find_id(nodes, id);
    if (node)
        node->pins++;
    pthread_mutex_unlock(&nodes->lock);
    return node;
}

void nodes_put(struct nodes *nodes, struct node *node)
{
    struct node *gone = NULL;

    if (!node)
        return;
    pthread_mutex_lock(&nodes->lock);
    node->pins--;
    table_settle(nodes, node, &gone);
    pthread_mutex_unlock(&nodes->lock);
    table_free(nodes, gone);
}

void nodes_forget(struct nodes *nodes, uint64_t id, uint64_t count)
{
    struct node *node, *gone = NULL;

    pthread_mutex_lock(&nodes->lock);
    node = find_id(nodes, id);
    if (node) {
        node->look_ups -= count < node->look_ups ? count : node->look_ups;
        table_settle(nodes, node, &gone);
    }
    pthread_mutex_unlock(&nodes->lock);
    table_free(nodes, gone);
}

ino_t nodes_inode(const struct nodes *nodes, const struct stat *about)
{
    if (about->st_dev == nodes->device)
        return about->st_ino;
    return about->st_ino ^ (ino_t)(about->st_dev * 0x9e3779b97f4a7c15);
}

static unsigned at_most(rlim_t number, unsigned most)
{
    return number < most ? (unsigned)number : most;
}

/* The descriptors that we may have, shared out. */
static void set_limits(struct nodes *nodes)
{
    struct rlimit limit;
    rlim_t all = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;

    if (all < 64)
        all = 64;
    nodes->recent_max = at_most(all / 4, NODES_DIRECTORIES);
    nodes->open_max =
        at_most(all, INT_MAX) - nodes->recent_max - at_most(all / 8, NODES_SPARE);
}

static enum rc make_root(struct nodes *nodes, int root, struct fault *why)
{
    struct stat about;

    if (fstat(root, &about) < 0)
        return fail_errno(why, RC_IO, "the directory cannot be read");
    nodes->device = about.st_dev;
    nodes->inode_mask = nodes->name_mask = TABLE_MIN - 1;
    nodes->by_inode = calloc(TABLE_MIN, sizeof(struct node *));
    nodes->by_name = calloc(TABLE_MIN, sizeof(struct node_name *));
    nodes->slots_used = TREE_ROOT;
    if (nodes->by_inode && nodes->by_name && grow_slots(nodes))
        nodes->root = make_node(nodes, &about);
    if (!nodes->root)
        return fail(why, RC_MEMORY, "no memory for the tree");
    nodes->root->fd = root;
    return RC_OK;
}

enum rc nodes_open(struct nodes **out, int root, void (*drop)(void *kept), struct fault *why)
{
    struct nodes *nodes = calloc(1, sizeof *nodes);
    enum rc rc;

    if (!nodes) {
        close(root);
        return fail(why, RC_MEMORY, "no memory for the tree");
    }
    nodes->drop = drop;
    set_limits(nodes);
    list_init(&nodes->recent);
    pthread_mutex_init(&nodes->lock, NULL);
    for (size_t i = 0; i < NODES_GUARDS; i++)
        pthread_rwlock_init(&nodes->guards[i], NULL);
    rc = make_root(nodes, root, why);
    if (rc != RC_OK) {
        close(root);
        nodes_close(nodes);
        return rc;
    }
    *out = nodes;
    return RC_OK;
}

void nodes_close(struct nodes *nodes)
{
    struct node *gone = NULL;

    if (!nodes)
        return;
    for (uint32_t i = TREE_ROOT; i < nodes->slots_used; i++) {
        struct node *node = nodes->slots[i].node;

        if (!node)
            continue;
        while (node->names) { /* the directories are freed here too, each in its turn */
            struct node_name *name = node->names;

            node->names = name->next_alias;
            free(name);
        }
        node->next = gone;
        gone = node;
    }
    table_free(nodes, gone);
    free(nodes->slots);
    free(nodes->by_inode);
    free(nodes->by_name);
    pthread_mutex_destroy(&nodes->lock);
    for (size_t i = 0; i < NODES_GUARDS; i++)
        pthread_rwlock_destroy(&nodes->guards[i]);
    free(nodes);
}
