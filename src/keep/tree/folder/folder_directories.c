/* Directories that are read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keep/tree/folder/folder_tree.h"

struct reading {
    struct node *node;
    struct lower_listing listing;
};

static struct reading *reading_of(tree_handle directory)
{
    return (struct reading *)(uintptr_t)directory;
}

int folder_open_directory(struct tree *t, uint64_t id, tree_handle *directory)
{
    struct folder *f = folder_of(t);
    struct reading *reading = malloc(sizeof *reading);
    struct node *node = nodes_get(f->nodes, id);
    struct node_place place;
    int error = !reading               ? -ENOMEM
                : !node                ? -ESTALE
                : !S_ISDIR(node->type) ? -ENOTDIR
                                       : nodes_find(f->nodes, node, &place);

    if (error == 0) {
        error = lower_listing_open(&reading->listing, place.at, place.name);
        nodes_leave(f->nodes, &place);
    }
    if (error != 0) {
        nodes_put(f->nodes, node);
        free(reading);
        return error;
    }
    (void)nodes_directory(f->nodes,
                          node); /* so that it can be asked after once it is removed */
    reading->node = node;
    *directory = (tree_handle)(uintptr_t)reading;
    return 0;
}

static bool is_dots(const char *name)
{
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* Hands one entry on, looked up if it is wanted so. 1: it was taken or is none, 0: not */
static int hand_on(struct folder *f, struct reading *reading, const struct lower_name *disk,
                   int at, tree_fill fill, void *of)
{
    struct tree_entry entry = {0};
    struct node *added = NULL;
    uint8_t tag[FOLDER_TAG];
    char name[NAME_MAX + 1];
    int taken, error;

    if (is_dots(disk->text))
        return fill(of, disk->text, disk->inode, disk->type, disk->next, NULL);
    if (name_unseal(&f->keys, kept_of(reading->node)->id, reading->listing.fd, disk->text,
                    name, tag) != NAME_OF_ENTRY)
        return 1;
    error = at < 0
                ? -EIO
                : folder_look_up_at(f, reading->node, at, disk->text, tag, 1, &entry, &added);
    if (error == -ENOENT)
        return 1;
    if (error != 0) /* what is wrong is told to who asks for it by name */
        return fill(of, name, disk->inode, disk->type, disk->next, NULL);
    taken = fill(of, name, entry.about.st_ino, disk->type, disk->next, &entry);
    if (!taken)
        nodes_forget(f->nodes, entry.node, 1);
    nodes_put(f->nodes, added);
    return taken;
}

int folder_read_directory(struct tree *t, tree_handle directory, uint64_t from, bool look_up,
                          tree_fill fill, void *of)
{
    struct folder *f = folder_of(t);
    struct reading *reading = reading_of(directory);
    struct lower_name name;
    int at, got;

    if (!kept_of(reading->node))
        return -EIO;
    at = look_up ? nodes_enter(f->nodes, reading->node, NODES_READ) : -1;
    while ((got = lower_listing_next(&reading->listing, from, &name)) > 0 &&
           (got = hand_on(f, reading, &name, at, fill, of)) > 0)
        from = name.next;
    if (at >= 0)
        nodes_exit(f->nodes, reading->node);
    return got < 0 ? got : 0;
}

int folder_sync_directory(struct tree *t, tree_handle directory)
{
    int error = folder_sync_names(folder_of(t));

    if (error == 0 && fsync(reading_of(directory)->listing.fd) < 0)
        error = -errno;
    return error;
}

void folder_release_directory(struct tree *t, tree_handle directory)
{
    struct reading *reading = reading_of(directory);

    close(reading->listing.fd);
    nodes_put(folder_of(t)->nodes, reading->node);
    free(reading);
}
