/* Directories that are read. */
#include <errno.h>
#include <unistd.h>

#include "keep/tree/folder/folder_tree.h"

static struct node_reading *reading_of(tree_handle directory)
{
    return (struct node_reading *)(uintptr_t)directory;
}

int folder_open_directory(struct tree *t, uint64_t id, tree_handle *directory)
{
    struct node_reading *reading;
    int error = folder_make_room(folder_of(t));

    if (error == 0)
        error = nodes_open_reading(folder_of(t)->nodes, id, &reading);
    if (error == 0)
        *directory = (tree_handle)(uintptr_t)reading;
    return error;
}

/* Hands one entry on, looked up if it is wanted so. 1: it was taken or is none, 0: not */
static int hand_on(struct folder *f, struct node_reading *reading,
                   const struct lower_name *disk, int at, tree_fill fill, void *of)
{
    struct tree_entry entry = {0};
    struct node *added = NULL;
    uint8_t tag[FOLDER_TAG];
    char name[NAME_MAX + 1];
    int taken, error;

    if (lower_is_dots(disk->text))
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
    struct node_reading *reading = reading_of(directory);
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
    int error = folder_write_new(folder_of(t));

    if (error == 0)
        error = folder_sync_names(folder_of(t));
    if (error == 0 && fsync(reading_of(directory)->listing.fd) < 0)
        error = -errno;
    return error;
}

void folder_release_directory(struct tree *t, tree_handle directory)
{
    nodes_close_reading(folder_of(t)->nodes, reading_of(directory));
}
