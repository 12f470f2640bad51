#include "keep/tree/pass/pass.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "keep/tree/lower.h"
#include "keep/tree/pass/pass_tree.h"

static void forget(struct tree *t, uint64_t node, uint64_t count)
{
    nodes_forget(pass_of(t)->nodes, node, count);
}

static int attributes(struct tree *t, uint64_t id, tree_handle file, struct stat *out)
{
    struct pass *pass = pass_of(t);
    struct node *node = nodes_get(pass->nodes, id);
    struct node_reached place;
    int error;

    (void)file;
    if (node && S_ISDIR(node->type)) {
        error = nodes_stat_directory(pass->nodes, node, out);
    } else if ((error = nodes_reach(pass->nodes, id, &place)) == 0) {
        error = nodes_stat(pass->nodes, &place, out);
        nodes_let_go(pass->nodes, &place);
    }
    nodes_put(pass->nodes, node);
    return error;
}

static int birth(struct tree *t, uint64_t id, struct timespec *out)
{
    return nodes_birth(pass_of(t)->nodes, id, out);
}

static int change_size(struct pass *pass, uint64_t id, uint64_t size)
{
    struct node *node = nodes_get(pass->nodes, id);
    int error = node ? nodes_open_file(pass->nodes, node, true) : -ESTALE;

    if (error == 0) {
        error = ftruncate(node->fd, (off_t)size) < 0 ? -errno : 0;
        nodes_release_file(pass->nodes, node);
    }
    nodes_put(pass->nodes, node);
    return error;
}

static int change(struct tree *t, uint64_t node, tree_handle file,
                  const struct tree_change *change, struct stat *out)
{
    struct pass *pass = pass_of(t);
    struct node_reached place;
    int error = change->fields & TREE_CHANGE_SIZE ? change_size(pass, node, change->size) : 0;

    (void)file;
    if (error != 0 || (error = nodes_reach(pass->nodes, node, &place)) != 0)
        return error;
    error = lower_change(place.fd, place.named.at, place.named.name, change);
    if (error == 0)
        error = nodes_stat(pass->nodes, &place, out);
    nodes_let_go(pass->nodes, &place);
    return error;
}

static ssize_t read_link(struct tree *t, uint64_t node, char *target)
{
    struct pass *pass = pass_of(t);
    struct node_reached place;
    ssize_t len = nodes_reach(pass->nodes, node, &place);

    if (len < 0)
        return len;
    len = readlinkat(place.named.at, place.named.name, target, PATH_MAX);
    len = len < 0 ? -errno : len;
    nodes_let_go(pass->nodes, &place);
    return len;
}

/* A handle is the node, which is open once for all who opened it. */
static int open_file(struct tree *t, uint64_t id, int flags, tree_handle *file)
{
    struct pass *pass = pass_of(t);
    struct node *node = nodes_get(pass->nodes, id);
    int error =
        node ? nodes_open_file(pass->nodes, node, (flags & O_ACCMODE) != O_RDONLY) : -ESTALE;

    if (error == 0)
        *file = (tree_handle)(uintptr_t)node;
    nodes_put(pass->nodes, node); /* what is open is kept */
    return error;
}

static struct node *opened(tree_handle file)
{
    return (struct node *)(uintptr_t)file;
}

static void release(struct tree *t, tree_handle file)
{
    nodes_release_file(pass_of(t)->nodes, opened(file));
}

static ssize_t read_file(struct tree *t, tree_handle file, void *at, size_t len,
                         uint64_t offset)
{
    size_t got = 0;

    (void)t;
    while (got < len) {
        ssize_t more =
            pread(opened(file)->fd, (char *)at + got, len - got, (off_t)(offset + got));

        if (more < 0 && got == 0)
            return -errno;
        if (more <= 0)
            break;
        got += (size_t)more;
    }
    return (ssize_t)got;
}

static ssize_t write_file(struct tree *t, tree_handle file, const void *at, size_t len,
                          uint64_t offset)
{
    size_t put = 0;

    (void)t;
    while (put < len) {
        ssize_t more =
            pwrite(opened(file)->fd, (const char *)at + put, len - put, (off_t)(offset + put));

        if (more < 0)
            return -errno;
        put += (size_t)more;
    }
    return (ssize_t)put;
}

static int sync_file(struct tree *t, tree_handle file, bool data_only)
{
    int fd = opened(file)->fd;

    (void)t;
    return (data_only ? fdatasync(fd) : fsync(fd)) < 0 ? -errno : 0;
}

static int allocate(struct tree *t, tree_handle file, int mode, uint64_t offset, uint64_t len)
{
    (void)t;
    return fallocate(opened(file)->fd, mode, (off_t)offset, (off_t)len) < 0 ? -errno : 0;
}

static ssize_t get_xattr(struct tree *t, uint64_t node, const char *name, void *value,
                         size_t room)
{
    struct pass *pass = pass_of(t);
    struct node_reached place;
    char path[LOWER_PATH_MAX];
    ssize_t got = nodes_reach(pass->nodes, node, &place);

    if (got < 0)
        return got;
    if (place.fd >= 0) {
        got = fgetxattr(place.fd, name, value, room);
    } else {
        lower_path(path, place.named.at, place.named.name);
        got = lgetxattr(path, name, value, room);
    }
    got = got < 0 ? -errno : got;
    nodes_let_go(pass->nodes, &place);
    return got;
}

static ssize_t list_xattrs(struct tree *t, uint64_t node, char *names, size_t room)
{
    struct pass *pass = pass_of(t);
    struct node_reached place;
    char path[LOWER_PATH_MAX];
    ssize_t got = nodes_reach(pass->nodes, node, &place);

    if (got < 0)
        return got;
    if (place.fd >= 0) {
        got = flistxattr(place.fd, names, room);
    } else {
        lower_path(path, place.named.at, place.named.name);
        got = llistxattr(path, names, room);
    }
    got = got < 0 ? -errno : got;
    nodes_let_go(pass->nodes, &place);
    return got;
}

static int set_xattr(struct tree *t, uint64_t node, const char *name, const void *value,
                     size_t len, int flags)
{
    struct pass *pass = pass_of(t);
    struct node_reached place;
    char path[LOWER_PATH_MAX];
    int error = nodes_reach(pass->nodes, node, &place);

    if (error != 0)
        return error;
    if (place.fd >= 0) {
        error = fsetxattr(place.fd, name, value, len, flags);
    } else {
        lower_path(path, place.named.at, place.named.name);
        error = lsetxattr(path, name, value, len, flags);
    }
    error = error < 0 ? -errno : 0;
    nodes_let_go(pass->nodes, &place);
    return error;
}

static int remove_xattr(struct tree *t, uint64_t node, const char *name)
{
    struct pass *pass = pass_of(t);
    struct node_reached place;
    char path[LOWER_PATH_MAX];
    int error = nodes_reach(pass->nodes, node, &place);

    if (error != 0)
        return error;
    if (place.fd >= 0) {
        error = fremovexattr(place.fd, name);
    } else {
        lower_path(path, place.named.at, place.named.name);
        error = lremovexattr(path, name);
    }
    error = error < 0 ? -errno : 0;
    nodes_let_go(pass->nodes, &place);
    return error;
}

static int statistics(struct tree *t, uint64_t node, struct statvfs *out)
{
    (void)node;
    return fstatvfs(pass_of(t)->root, out) < 0 ? -errno : 0;
}

static int close_tree(struct tree *t)
{
    nodes_close(pass_of(t)->nodes);
    free(t);
    return 0;
}

static const struct tree_kind pass_kind = {
    .name = "pass",
    .look_up = pass_look_up,
    .forget = forget,
    .attributes = attributes,
    .birth = birth,
    .change = change,
    .read_link = read_link,
    .make = pass_make,
    .create = pass_create,
    .link = pass_link,
    .unlink = pass_unlink,
    .remove_directory = pass_remove_directory,
    .rename = pass_rename,
    .open = open_file,
    .release = release,
    .read = read_file,
    .write = write_file,
    .sync = sync_file,
    .allocate = allocate,
    .open_directory = pass_open_directory,
    .read_directory = pass_read_directory,
    .sync_directory = pass_sync_directory,
    .release_directory = pass_release_directory,
    .get_xattr = get_xattr,
    .list_xattrs = list_xattrs,
    .set_xattr = set_xattr,
    .remove_xattr = remove_xattr,
    .statistics = statistics,
    .close = close_tree,
};

enum rc pass_open(struct tree **out, const char *directory, bool read_only, struct fault *why)
{
    struct pass *pass = calloc(1, sizeof *pass);
    enum rc rc;

    if (!pass)
        return fail(why, RC_MEMORY, "no memory for %s", directory);
    pass->tree = (struct tree){.kind = &pass_kind, .read_only = read_only};
    pass->root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rc = pass->root < 0
             ? fail_errno(why, errno == ENOENT ? RC_NOT_FOUND : RC_IO, "%s", directory)
             : nodes_open(&pass->nodes, pass->root, NULL, why);
    if (rc != RC_OK) {
        free(pass);
        return rc;
    }
    *out = &pass->tree;
    return RC_OK;
}
