/* Attributes, and files that are open: the table of the tree. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keep/tree/folder/folder_tree.h"

static void forget(struct tree *t, uint64_t node, uint64_t count)
{
    nodes_forget(folder_of(t)->nodes, node, count);
}

static int attributes(struct tree *t, uint64_t id, tree_handle file, struct stat *out)
{
    struct folder *f = folder_of(t);
    struct node *node = nodes_get(f->nodes, id);
    struct node_reached place;
    int error;

    (void)file;
    if (node && S_ISDIR(node->type)) {
        error = nodes_stat_directory(f->nodes, node, out);
    } else if ((error = nodes_reach(f->nodes, id, &place)) == 0) {
        error = folder_stat(f, &place, out);
        nodes_let_go(f->nodes, &place);
    }
    nodes_put(f->nodes, node);
    return error;
}

static int birth(struct tree *t, uint64_t id, struct timespec *out)
{
    return nodes_birth(folder_of(t)->nodes, id, out);
}

/* `by_open`: the kernel tells the time later, if it is another one than it knows. */
static int change_size(struct folder *f, uint64_t id, uint64_t size, bool by_open)
{
    struct node *node = nodes_get(f->nodes, id);
    int error = node ? folder_take(f, node, true) : -ESTALE;

    if (error == 0) {
        error = by_open ? folder_times_change(f, node) : 0;
        if (error == 0)
            error = content_resize(kept_of(node)->content, node->fd, size);
        if (error == 0)
            folder_note_written(f, node);
        folder_give(f, node);
    }
    nodes_put(f->nodes, node);
    return error;
}

/* The file below need not have been written for it: its times say so all the same. */
static void note_size_changed(struct tree_change *change)
{
    if (!(change->fields & TREE_CHANGE_SIZE) || change->fields & TREE_CHANGE_MTIME)
        return;
    change->fields |= TREE_CHANGE_MTIME;
    change->mtime.tv_nsec = UTIME_NOW;
}

/* The kernel sends the times of a file also when it was removed: they are nobody's any more. */
static int change_gone(struct folder *f, uint64_t id, unsigned fields, struct stat *out)
{
    struct node *node = nodes_get(f->nodes, id);

    if (!node || fields & ~(unsigned)(TREE_CHANGE_ATIME | TREE_CHANGE_MTIME)) {
        nodes_put(f->nodes, node);
        return -ESTALE;
    }
    *out = (struct stat){.st_ino = node->inode, .st_mode = node->type};
    nodes_put(f->nodes, node);
    return 0;
}

static int change(struct tree *t, uint64_t node, tree_handle file,
                  const struct tree_change *wanted, struct stat *out)
{
    struct folder *f = folder_of(t);
    struct tree_change change = *wanted;
    struct node_reached place;
    bool by_open = file != 0 && !(change.fields & TREE_CHANGE_MTIME), tells, prepared;
    int error =
        change.fields & TREE_CHANGE_SIZE ? change_size(f, node, change.size, by_open) : 0;

    note_size_changed(&change);
    if (error == 0 && (error = nodes_reach(f->nodes, node, &place)) == -ESTALE)
        return change_gone(f, node, change.fields, out);
    if (error != 0)
        return error;
    tells = !by_open && (change.fields & TREE_CHANGE_MTIME) && S_ISREG(place.node->type);
    prepared = tells && place.fd >= 0 && folder_times_prepare(f, place.node);
    error = lower_change(place.fd, place.named.at, place.named.name, &change);
    if (error == 0)
        error = folder_stat(f, &place, out);
    if (error == 0 && tells)
        folder_times_told(f, place.node, &out->st_mtim, prepared);
    nodes_let_go(f->nodes, &place);
    return error;
}

static ssize_t read_link(struct tree *t, uint64_t node, char *target)
{
    struct folder *f = folder_of(t);
    struct node_reached place;
    char sealed[PATH_MAX], name[NAME_MAX + 1];
    uint8_t tag[FOLDER_TAG];
    ssize_t len = nodes_reach(f->nodes, node, &place);

    if (len < 0)
        return len;
    len = readlinkat(place.named.at, place.named.name, sealed, sizeof sealed);
    if (len < 0)
        len = -errno;
    else if (!place.named.directory ||
             name_unseal(&f->keys, kept_of(place.named.directory)->id, place.named.at,
                         place.named.name, name, tag) != NAME_OF_ENTRY)
        len = -EIO;
    else
        len = target_unseal(&f->keys, tag, span_of(sealed, (size_t)len), target);
    nodes_let_go(f->nodes, &place);
    return len;
}

/* A handle is the node, which is open once for all who opened it. */
static struct node *opened(tree_handle file)
{
    return (struct node *)(uintptr_t)file;
}

static int open_file(struct tree *t, uint64_t id, int flags, tree_handle *file)
{
    struct folder *f = folder_of(t);
    struct node *node = nodes_get(f->nodes, id);
    int error = node ? folder_make_room(f) : -ESTALE;

    if (error == 0)
        error = (flags & O_ACCMODE) == O_RDONLY ? folder_take_unread(f, node)
                                                : folder_take(f, node, true);
    if (error == 0) {
        folder_times_open(f, node);
        *file = (tree_handle)(uintptr_t)node;
    }
    nodes_put(f->nodes, node); /* what is open is kept */
    return error;
}

static void release(struct tree *t, tree_handle file)
{
    struct folder *f = folder_of(t);

    if (!t->read_only)
        folder_note_closed(f, opened(file));
    folder_give(f, opened(file));
}

static ssize_t read_file(struct tree *t, tree_handle file, void *at, size_t len,
                         uint64_t offset)
{
    struct node *node = opened(file);
    int error = folder_load(folder_of(t), node);

    return error != 0 ? error
                      : content_read(kept_of(node)->content, node->fd, at, len, offset);
}

static ssize_t write_file(struct tree *t, tree_handle file, const void *at, size_t len,
                          uint64_t offset)
{
    struct node *node = opened(file);
    ssize_t put = folder_times_change(folder_of(t), node);

    if (put == 0)
        put = content_write(kept_of(node)->content, node->fd, at, len, offset);
    if (put > 0)
        folder_note_written(folder_of(t), node);
    return put;
}

static int sync_file(struct tree *t, tree_handle file, bool data_only)
{
    struct node *node = opened(file);
    int error = folder_sync_names(folder_of(t));

    if (error == 0)
        error = folder_load(folder_of(t), node);
    if (error == 0)
        error = data_only ? folder_commit(folder_of(t), node, true)
                          : folder_sync(folder_of(t), node);
    return error;
}

static int allocate(struct tree *t, tree_handle file, int mode, uint64_t offset, uint64_t len)
{
    struct node *node = opened(file);
    int error = folder_times_change(folder_of(t), node);

    if (error == 0)
        error = content_allocate(kept_of(node)->content, node->fd, mode, offset, len);
    folder_note_written(folder_of(t), node);
    return error;
}

static int statistics(struct tree *t, uint64_t node, struct statvfs *out)
{
    (void)node;
    if (fstatvfs(folder_of(t)->root, out) < 0)
        return -errno;
    out->f_namemax = NAME_MAX;
    return 0;
}

static int close_tree(struct tree *t)
{
    struct folder *f = folder_of(t);
    int lost;

    folder_end_writer(f);
    lost = atomic_load(&f->lost);
    nodes_close(f->nodes);
    folder_free(f);
    return -lost;
}

const struct tree_kind folder_kind = {
    .name = "folder",
    .look_up = folder_look_up,
    .forget = forget,
    .attributes = attributes,
    .birth = birth,
    .change = change,
    .read_link = read_link,
    .make = folder_make,
    .create = folder_create_file,
    .create_unnamed = folder_create_unnamed,
    .link = folder_link,
    .unlink = folder_unlink,
    .remove_directory = folder_remove_directory,
    .rename = folder_rename,
    .open = open_file,
    .release = release,
    .read = read_file,
    .write = write_file,
    .sync = sync_file,
    .allocate = allocate,
    .open_directory = folder_open_directory,
    .read_directory = folder_read_directory,
    .sync_directory = folder_sync_directory,
    .release_directory = folder_release_directory,
    .get_xattr = folder_get_xattr,
    .list_xattrs = folder_list_xattrs,
    .set_xattr = folder_set_xattr,
    .remove_xattr = folder_remove_xattr,
    .statistics = statistics,
    .close = close_tree,
};
