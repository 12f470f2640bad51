/* The names of nodes: which they are, and who uses or changes them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "keep/tree/nodes_table.h"

static uint32_t name_hash(const struct node *directory, const char *text)
{
    uint64_t hash = directory->id * 0x9e3779b97f4a7c15;

    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3;
    return (uint32_t)(hash ^ hash >> 32);
}

static void grow_names(struct nodes *nodes)
{
    size_t size = (nodes->name_mask + 1) * 2;
    struct node_name **old = nodes->by_name,
                     **grown = calloc(size, sizeof(struct node_name *));

    if (!grown)
        return;
    for (size_t i = 0; i <= nodes->name_mask; i++)
        for (struct node_name *name = old[i], *next; name; name = next) {
            struct node_name **head = &grown[name->hash & (size - 1)];

            next = name->next;
            name->next = *head;
            *head = name;
        }
    nodes->by_name = grown;
    nodes->name_mask = size - 1;
    free(old);
}

static struct node_name *find_name(struct nodes *nodes, const struct node *directory,
                                   const char *text)
{
    uint32_t hash = name_hash(directory, text);
    struct node_name *name = nodes->by_name[hash & nodes->name_mask];

    while (name && (name->hash != hash || name->directory != directory ||
                    strcmp(name->text, text) != 0))
        name = name->next;
    return name;
}

static bool add_name(struct nodes *nodes, struct node *node, struct node *directory,
                     const char *text)
{
    size_t size = strlen(text) + 1;
    struct node_name *name = size <= NAME_MAX + 1 ? malloc(sizeof *name + size) : NULL;
    struct node_name **head;

    if (!name)
        return false;
    if (++nodes->name_count > nodes->name_mask)
        grow_names(nodes);
    memcpy(name->text, text, size);
    name->hash = name_hash(directory, text);
    head = &nodes->by_name[name->hash & nodes->name_mask];
    name->next = *head;
    *head = name;
    name->node = node;
    name->next_alias = node->names;
    node->names = name;
    name->directory = directory;
    directory->children++;
    return true;
}

void table_remove_name(struct nodes *nodes, struct node_name *name, struct node **gone)
{
    struct node_name **at = &nodes->by_name[name->hash & nodes->name_mask];

    while (*at != name)
        at = &(*at)->next;
    *at = name->next;
    for (at = &name->node->names; *at != name; at = &(*at)->next_alias)
        ;
    *at = name->next_alias;
    nodes->name_count--;
    name->directory->children--;
    table_settle(nodes, name->directory, gone);
    free(name);
}

/* After the last known name: what is not open has nothing that a second node for the same file
 * could contradict; what is open is asked whether it has names that were never looked up. */
static void lose_name(struct nodes *nodes, struct node_name *name, struct node **gone)
{
    struct node *node = name->node;
    struct stat about;

    table_remove_name(nodes, name, gone);
    if (!node->names && (node->opens == 0 || node->fd < 0 || fstat(node->fd, &about) < 0 ||
                         about.st_nlink == 0))
        table_part(nodes, node);
    table_settle(nodes, node, gone);
}

int nodes_enter(struct nodes *nodes, struct node *directory, enum nodes_use use)
{
    int at = nodes_directory(nodes, directory);

    if (at < 0)
        return at;
    if (use == NODES_CHANGE)
        pthread_rwlock_wrlock(table_guard(nodes, directory));
    else
        pthread_rwlock_rdlock(table_guard(nodes, directory));
    return at;
}

void nodes_exit(struct nodes *nodes, struct node *directory)
{
    pthread_rwlock_unlock(table_guard(nodes, directory));
}

int nodes_enter_both(struct nodes *nodes, struct node *one, struct node *other, int at[2])
{
    pthread_rwlock_t *first = table_guard(nodes, one), *second = table_guard(nodes, other);

    if ((at[0] = nodes_directory(nodes, one)) < 0)
        return at[0];
    if ((at[1] = nodes_directory(nodes, other)) < 0)
        return at[1];
    if (first > second) { /* everybody takes two in this order */
        pthread_rwlock_t *swapped = first;

        first = second;
        second = swapped;
    }
    pthread_rwlock_wrlock(first);
    if (first != second)
        pthread_rwlock_wrlock(second);
    return 0;
}

void nodes_exit_both(struct nodes *nodes, struct node *one, struct node *other)
{
    nodes_exit(nodes, one);
    if (table_guard(nodes, one) != table_guard(nodes, other))
        nodes_exit(nodes, other);
}

/* Some directory that the node has a name in, as by nodes_get. */
static struct node *directory_of(struct nodes *nodes, const struct node *node)
{
    struct node *directory = NULL;

    pthread_mutex_lock(&nodes->lock);
    if (node->names) {
        directory = node->names->directory;
        directory->pins++;
    }
    pthread_mutex_unlock(&nodes->lock);
    return directory;
}

/* Whether the node still has a name in the directory of the place, which is entered. */
static bool copy_name(struct nodes *nodes, const struct node *node, struct node_place *place)
{
    struct node_name *name;

    pthread_mutex_lock(&nodes->lock);
    for (name = node->names; name && name->directory != place->directory;
         name = name->next_alias)
        ;
    if (name)
        strcpy(place->name, name->text);
    pthread_mutex_unlock(&nodes->lock);
    return name;
}

int nodes_find(struct nodes *nodes, struct node *node, struct node_place *out)
{
    if (node == nodes->root) {
        *out = (struct node_place){.name = ".", .at = nodes->root->fd};
        return 0;
    }
    while ((out->directory = directory_of(nodes, node))) {
        out->at = nodes_enter(nodes, out->directory, NODES_READ);
        if (out->at >= 0 && copy_name(nodes, node, out))
            return 0;
        if (out->at >= 0)
            nodes_exit(nodes, out->directory); /* it was moved away in between */
        nodes_put(nodes, out->directory);
        if (out->at < 0)
            return out->at;
    }
    return -ESTALE;
}

void nodes_leave(struct nodes *nodes, struct node_place *place)
{
    if (!place->directory)
        return;
    nodes_exit(nodes, place->directory);
    nodes_put(nodes, place->directory);
}

int nodes_find_with(struct nodes *nodes, struct node *node, struct node *directory,
                    struct node_place *out)
{
    int at[2];

    while ((out->directory = directory_of(nodes, node))) {
        int error = nodes_enter_both(nodes, out->directory, directory, at);

        out->at = at[0];
        if (error == 0 && copy_name(nodes, node, out))
            return at[1];
        if (error == 0)
            nodes_exit_both(nodes, out->directory, directory);
        nodes_put(nodes, out->directory);
        if (error != 0)
            return error;
    }
    return -ESTALE;
}

void nodes_leave_with(struct nodes *nodes, struct node *directory, struct node_place *place)
{
    nodes_exit_both(nodes, place->directory, directory);
    nodes_put(nodes, place->directory);
}

struct node *nodes_add(struct nodes *nodes, struct node *directory, const char *text,
                       const struct stat *about, unsigned look_ups)
{
    struct node *node, *gone = NULL;
    struct node_name *name;

    pthread_mutex_lock(&nodes->lock);
    node = table_node(nodes, about, &gone);
    if (node)
        node->pins++;
    name = find_name(nodes, directory, text);
    if (node && name && name->node != node) { /* somebody changed the directory behind us */
        lose_name(nodes, name, &gone);
        name = NULL;
    }
    if (node && !name && !add_name(nodes, node, directory, text)) {
        node->pins--;
        table_settle(nodes, node, &gone);
        node = NULL;
    }
    if (node)
        node->look_ups += look_ups;
    pthread_mutex_unlock(&nodes->lock);
    table_free(nodes, gone);
    return node;
}

struct node *nodes_add_unnamed(struct nodes *nodes, const struct stat *about)
{
    struct node *node, *gone = NULL;

    pthread_mutex_lock(&nodes->lock);
    node = table_node(nodes, about, &gone);
    if (node) {
        node->pins++;
        node->look_ups++;
    }
    pthread_mutex_unlock(&nodes->lock);
    table_free(nodes, gone);
    return node;
}

struct node *nodes_named(struct nodes *nodes, struct node *directory, const char *text)
{
    struct node_name *name;

    pthread_mutex_lock(&nodes->lock);
    name = find_name(nodes, directory, text);
    if (name)
        name->node->pins++;
    pthread_mutex_unlock(&nodes->lock);
    return name ? name->node : NULL;
}

void nodes_removed(struct nodes *nodes, struct node *directory, const char *text)
{
    struct node *gone = NULL;
    struct node_name *name;

    pthread_mutex_lock(&nodes->lock);
    name = find_name(nodes, directory, text);
    if (name)
        lose_name(nodes, name, &gone);
    pthread_mutex_unlock(&nodes->lock);
    table_free(nodes, gone);
}

/* The node gets its new name before it loses the old one. */
static int rename_node(struct nodes *nodes, struct node_name *name, struct node *directory,
                       const char *text, struct node **gone)
{
    struct node *node = name->node;
    bool added = add_name(nodes, node, directory, text);

    node->pins++;
    table_remove_name(nodes, name, gone);
    node->pins--;
    table_settle(nodes, node, gone);
    return added ? 0 : -ENOMEM;
}

int nodes_renamed(struct nodes *nodes, struct node *directory, const char *text,
                  struct node *new_directory, const char *new_text, bool exchange)
{
    struct node_name *name, *replaced;
    struct node *gone = NULL;
    int error = 0;

    pthread_mutex_lock(&nodes->lock);
    name = find_name(nodes, directory, text);
    replaced = find_name(nodes, new_directory, new_text);
    /* Two names of one file: rename(2) leaves both. */
    if (name && replaced && name->node == replaced->node) {
        pthread_mutex_unlock(&nodes->lock);
        return 0;
    }
    if (replaced && exchange)
        error = rename_node(nodes, replaced, directory, text, &gone);
    else if (replaced)
        lose_name(nodes, replaced, &gone);
    if (name) {
        int renamed = rename_node(nodes, name, new_directory, new_text, &gone);

        error = error ? error : renamed;
    }
    pthread_mutex_unlock(&nodes->lock);
    table_free(nodes, gone);
    return error;
}
