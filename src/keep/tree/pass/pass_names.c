/* The names of a directory that is passed through. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "keep/tree/lower.h"
#include "keep/tree/pass/pass_tree.h"

/* What stands under a name of a directory that is entered; gives its node, to be put. */
static int add(struct pass *pass, struct node *directory, const char *name,
               struct tree_entry *out, struct node **added)
{
    *added = nodes_add(pass->nodes, directory, name, &out->about, 1);
    if (!*added)
        return -ENOMEM;
    out->node = (*added)->id;
    out->about.st_ino = nodes_inode(pass->nodes, &out->about);
    return 0;
}

static int look_up_in(struct pass *pass, struct node *directory, int at, const char *name,
                      struct tree_entry *out, struct node **added)
{
    if (fstatat(at, name, &out->about, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    return add(pass, directory, name, out, added);
}

int pass_look_up(struct tree *t, uint64_t parent, const char *name, struct tree_entry *out)
{
    struct pass *pass = pass_of(t);
    struct node *directory = nodes_get(pass->nodes, parent), *added = NULL;
    int at = directory ? nodes_enter(pass->nodes, directory, NODES_READ) : -ESTALE, error = at;

    if (at >= 0) {
        error = look_up_in(pass, directory, at, name, out, &added);
        nodes_exit(pass->nodes, directory);
    }
    nodes_put(pass->nodes, added);
    nodes_put(pass->nodes, directory);
    return error;
}

static int make_in(int at, const char *name, const struct tree_new *what)
{
    if (S_ISDIR(what->mode))
        return mkdirat(at, name, what->mode & ALLPERMS) < 0 ? -errno : 0;
    if (S_ISLNK(what->mode))
        return symlinkat(what->target, at, name) < 0 ? -errno : 0;
    return mknodat(at, name, what->mode, what->device) < 0 ? -errno : 0;
}

/* What was made belongs to whom it was made for, or is not made. */
static int hand_over(struct pass *pass, struct node *directory, int at, const char *name,
                     const struct tree_new *what, struct tree_entry *out, struct node **added)
{
    int error = fstatat(at, name, &out->about, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;

    if (error == 0)
        error = lower_give(-1, at, name, &what->caller, &out->about);
    if (error == 0)
        error = add(pass, directory, name, out, added);
    if (error != 0)
        unlinkat(at, name, S_ISDIR(what->mode) ? AT_REMOVEDIR : 0);
    return error;
}

int pass_make(struct tree *t, uint64_t parent, const char *name, const struct tree_new *what,
              struct tree_entry *out)
{
    struct pass *pass = pass_of(t);
    struct node *directory = nodes_get(pass->nodes, parent), *added = NULL;
    int at = directory ? nodes_enter(pass->nodes, directory, NODES_CHANGE) : -ESTALE,
        error = at;

    if (at >= 0) {
        error = make_in(at, name, what);
        if (error == 0)
            error = hand_over(pass, directory, at, name, what, out, &added);
        nodes_exit(pass->nodes, directory);
    }
    nodes_put(pass->nodes, added);
    nodes_put(pass->nodes, directory);
    return error;
}

static int create_in(struct pass *pass, struct node *directory, int at, const char *name,
                     const struct tree_new *what, struct tree_entry *out, struct node **added)
{
    int fd = openat(at, name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC,
                    what->mode & ALLPERMS);
    int error;

    if (fd < 0)
        return -errno;
    error = hand_over(pass, directory, at, name, what, out, added);
    if (error == 0)
        nodes_adopt_file(pass->nodes, *added, fd);
    else
        close(fd);
    return error;
}

int pass_create(struct tree *t, uint64_t parent, const char *name, const struct tree_new *what,
                int flags, struct tree_entry *out, tree_handle *file)
{
    struct pass *pass = pass_of(t);
    struct node *directory = nodes_get(pass->nodes, parent), *added = NULL;
    int at = directory ? nodes_enter(pass->nodes, directory, NODES_CHANGE) : -ESTALE,
        error = at;
    bool found = false;

    if (at >= 0) {
        error = create_in(pass, directory, at, name, what, out, &added);
        found = error == -EEXIST && !(flags & O_EXCL);
        if (found)
            error = look_up_in(pass, directory, at, name, out, &added);
        nodes_exit(pass->nodes, directory);
    }
    if (error == 0 && found && (error = nodes_open_file(pass->nodes, added, true)) != 0)
        nodes_forget(pass->nodes, added->id, 1);
    if (error == 0)
        *file = (tree_handle)(uintptr_t)added;
    nodes_put(pass->nodes, added);
    nodes_put(pass->nodes, directory);
    return error;
}

int pass_link(struct tree *t, uint64_t id, uint64_t parent, const char *name,
              struct tree_entry *out)
{
    struct pass *pass = pass_of(t);
    struct node *node = nodes_get(pass->nodes, id);
    struct node *directory = nodes_get(pass->nodes, parent), *added = NULL;
    struct node_place place;
    int at = -ESTALE, error;

    if (node && directory)
        at = nodes_find_with(pass->nodes, node, directory, &place);
    error = at;
    if (at >= 0) {
        error = linkat(place.at, place.name, at, name, 0) < 0 ? -errno : 0;
        if (error == 0)
            error = look_up_in(pass, directory, at, name, out, &added);
        nodes_leave_with(pass->nodes, directory, &place);
    }
    nodes_put(pass->nodes, added);
    nodes_put(pass->nodes, node);
    nodes_put(pass->nodes, directory);
    return error;
}

static int remove_name(struct tree *t, uint64_t parent, const char *name, int flags)
{
    struct pass *pass = pass_of(t);
    struct node *directory = nodes_get(pass->nodes, parent);
    int at = directory ? nodes_enter(pass->nodes, directory, NODES_CHANGE) : -ESTALE,
        error = at;

    if (at >= 0) {
        error = unlinkat(at, name, flags) < 0 ? -errno : 0;
        if (error == 0)
            nodes_removed(pass->nodes, directory, name);
        nodes_exit(pass->nodes, directory);
    }
    nodes_put(pass->nodes, directory);
    return error;
}

int pass_unlink(struct tree *t, uint64_t parent, const char *name)
{
    return remove_name(t, parent, name, 0);
}

/* Whoever has the directory open may ask after it when it is gone: its descriptor stays then. */
int pass_remove_directory(struct tree *t, uint64_t parent, const char *name)
{
    struct pass *pass = pass_of(t);
    struct node *directory = nodes_get(pass->nodes, parent);
    struct node *node = directory ? nodes_named(pass->nodes, directory, name) : NULL;
    int error;

    if (node)
        (void)nodes_directory(pass->nodes, node);
    error = remove_name(t, parent, name, AT_REMOVEDIR);
    nodes_put(pass->nodes, node);
    nodes_put(pass->nodes, directory);
    return error;
}

int pass_rename(struct tree *t, uint64_t parent, const char *name, uint64_t new_parent,
                const char *new_name, unsigned flags)
{
    struct pass *pass = pass_of(t);
    struct node *from = nodes_get(pass->nodes, parent),
                *to = nodes_get(pass->nodes, new_parent);
    int at[2], error = from && to ? nodes_enter_both(pass->nodes, from, to, at) : -ESTALE;

    if (error == 0) {
        error = renameat2(at[0], name, at[1], new_name, flags) < 0 ? -errno : 0;
        if (error == 0)
            (void)nodes_renamed(pass->nodes, from, name, to, new_name,
                                flags & RENAME_EXCHANGE);
        nodes_exit_both(pass->nodes, from, to);
    }
    nodes_put(pass->nodes, from);
    nodes_put(pass->nodes, to);
    return error;
}

int pass_open_directory(struct tree *t, uint64_t id, tree_handle *directory)
{
    struct node_reading *reading;
    int error = nodes_open_reading(pass_of(t)->nodes, id, &reading);

    if (error == 0)
        *directory = (tree_handle)(uintptr_t)reading;
    return error;
}

static struct node_reading *reading_of(tree_handle directory)
{
    return (struct node_reading *)(uintptr_t)directory;
}

/* Hands one entry on, looked up if it is wanted so. 1: it was taken, 0: not */
static int hand_on(struct pass *pass, struct node_reading *reading,
                   const struct lower_name *name, int at, tree_fill fill, void *of)
{
    struct tree_entry entry = {0};
    struct node *added = NULL;
    int taken;

    if (at < 0 || lower_is_dots(name->text) ||
        look_up_in(pass, reading->node, at, name->text, &entry, &added) != 0)
        return fill(of, name->text, name->inode, name->type, name->next, NULL);
    taken = fill(of, name->text, entry.about.st_ino, name->type, name->next, &entry);
    if (!taken)
        nodes_forget(pass->nodes, entry.node, 1);
    nodes_put(pass->nodes, added);
    return taken;
}

int pass_read_directory(struct tree *t, tree_handle directory, uint64_t from, bool look_up,
                        tree_fill fill, void *of)
{
    struct pass *pass = pass_of(t);
    struct node_reading *reading = reading_of(directory);
    struct lower_name name;
    int at = look_up ? nodes_enter(pass->nodes, reading->node, NODES_READ) : -1, got;

    while ((got = lower_listing_next(&reading->listing, from, &name)) > 0 &&
           (got = hand_on(pass, reading, &name, at, fill, of)) > 0)
        from = name.next;
    if (at >= 0)
        nodes_exit(pass->nodes, reading->node);
    return got < 0 ? got : 0;
}

int pass_sync_directory(struct tree *t, tree_handle directory)
{
    (void)t;
    return fsync(reading_of(directory)->listing.fd) < 0 ? -errno : 0;
}

void pass_release_directory(struct tree *t, tree_handle directory)
{
    nodes_close_reading(pass_of(t)->nodes, reading_of(directory));
}
