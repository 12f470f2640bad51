/* Requests one after the other, each with two bytes of length before it, to a tree that says yes. */
#include "keep/mount/fuse_tree.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile size_t seen; /* so that what is read is read */

static void read_all(const void *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        seen += ((const uint8_t *)at)[i];
}

static int named(const char *name, struct tree_entry *out)
{
    if (strlen(name) > NAME_MAX || strchr(name, '/'))
        abort();
    *out = (struct tree_entry){.node = 2 + strlen(name), .about.st_mode = S_IFREG};
    return 0;
}

static int look_up(struct tree *t, uint64_t parent, const char *name, struct tree_entry *out)
{
    (void)t;
    return parent == 0 ? -2 : named(name, out);
}

static void forget(struct tree *t, uint64_t node, uint64_t count)
{
    (void)t;
    seen += node + count;
}

static int attributes(struct tree *t, uint64_t node, tree_handle file, struct stat *out)
{
    (void)t;
    *out = (struct stat){.st_ino = node, .st_size = (off_t)file, .st_mode = S_ISGID | S_IFREG};
    return 0;
}

static int birth(struct tree *t, uint64_t node, struct timespec *out)
{
    (void)t;
    *out = (struct timespec){.tv_sec = (time_t)node};
    return node == 2 ? -ENODATA : 0;
}

static int change(struct tree *t, uint64_t node, tree_handle file,
                  const struct tree_change *change, struct stat *out)
{
    read_all(change, sizeof *change);
    return attributes(t, node, file, out);
}

static ssize_t read_link(struct tree *t, uint64_t node, char *target)
{
    (void)t;
    (void)node;
    memset(target, 'a', PATH_MAX);
    return PATH_MAX;
}

static int make(struct tree *t, uint64_t parent, const char *name, const struct tree_new *what,
                struct tree_entry *out)
{
    (void)t;
    (void)parent;
    if (what->target)
        read_all(what->target, strlen(what->target));
    return named(name, out);
}

static int create(struct tree *t, uint64_t parent, const char *name,
                  const struct tree_new *what, int flags, struct tree_entry *out,
                  tree_handle *file)
{
    *file = (tree_handle)flags + 1;
    return make(t, parent, name, what, out);
}

static int link_name(struct tree *t, uint64_t node, uint64_t parent, const char *name,
                     struct tree_entry *out)
{
    seen += node + parent;
    (void)t;
    return named(name, out);
}

static int unlink_name(struct tree *t, uint64_t parent, const char *name)
{
    struct tree_entry entry;

    seen += parent;
    (void)t;
    return named(name, &entry);
}

static int rename_name(struct tree *t, uint64_t parent, const char *name, uint64_t new_parent,
                       const char *new_name, unsigned flags)
{
    seen += flags;
    return unlink_name(t, parent, name) + unlink_name(t, new_parent, new_name);
}

static int open_file(struct tree *t, uint64_t node, int flags, tree_handle *file)
{
    (void)t;
    *file = node + (tree_handle)flags + 1;
    return 0;
}

static void release(struct tree *t, tree_handle file)
{
    (void)t;
    seen += file;
}

static ssize_t read_file(struct tree *t, tree_handle file, void *at, size_t len,
                         uint64_t offset)
{
    (void)t;
    if (offset + len > INT64_MAX)
        abort();
    memset(at, (int)file, len);
    return (ssize_t)len;
}

static ssize_t write_file(struct tree *t, tree_handle file, const void *at, size_t len,
                          uint64_t offset)
{
    (void)t;
    (void)file;
    if (offset + len > INT64_MAX)
        abort();
    read_all(at, len);
    return (ssize_t)len;
}

static int sync_file(struct tree *t, tree_handle file, bool data_only)
{
    release(t, file + data_only);
    return 0;
}

static int allocate(struct tree *t, tree_handle file, int mode, uint64_t offset, uint64_t len)
{
    release(t, file + (tree_handle)mode);
    if (offset + len > INT64_MAX || len == 0)
        abort();
    return 0;
}

static int open_directory(struct tree *t, uint64_t node, tree_handle *directory)
{
    return open_file(t, node, 0, directory);
}

static int read_directory(struct tree *t, tree_handle directory, uint64_t from, bool look_up,
                          tree_fill fill, void *of)
{
    static const char name[] = "a name that is long enough for its entry to need some room";
    struct tree_entry entry = {.node = 5};
    size_t len = sizeof name - 1;

    (void)t;
    for (unsigned i = 0; i < 64; i++)
        if (!fill(of, name + (from + i) % len, directory, S_IFDIR, from + i + 1,
                  look_up ? &entry : NULL))
            break;
    return 0;
}

static int sync_directory(struct tree *t, tree_handle directory)
{
    release(t, directory);
    return 0;
}

static ssize_t get_xattr(struct tree *t, uint64_t node, const char *name, void *value,
                         size_t room)
{
    (void)t;
    memset(value, (int)node, room);
    return (ssize_t)(strlen(name) < room ? strlen(name) : room);
}

static ssize_t list_xattrs(struct tree *t, uint64_t node, char *names, size_t room)
{
    return get_xattr(t, node, "user.a", names, room);
}

static int set_xattr(struct tree *t, uint64_t node, const char *name, const void *value,
                     size_t len, int flags)
{
    (void)t;
    seen += node + (size_t)flags + strlen(name);
    read_all(value, len);
    return 0;
}

static int remove_xattr(struct tree *t, uint64_t node, const char *name)
{
    return set_xattr(t, node, name, NULL, 0, 0);
}

static int statistics(struct tree *t, uint64_t node, struct statvfs *out)
{
    (void)t;
    *out = (struct statvfs){.f_bsize = node};
    return 0;
}

static const struct tree_kind yes = {
    .name = "yes",
    .look_up = look_up,
    .forget = forget,
    .attributes = attributes,
    .birth = birth,
    .change = change,
    .read_link = read_link,
    .make = make,
    .create = create,
    .link = link_name,
    .unlink = unlink_name,
    .remove_directory = unlink_name,
    .rename = rename_name,
    .open = open_file,
    .release = release,
    .read = read_file,
    .write = write_file,
    .sync = sync_file,
    .allocate = allocate,
    .open_directory = open_directory,
    .read_directory = read_directory,
    .sync_directory = sync_directory,
    .release_directory = release,
    .get_xattr = get_xattr,
    .list_xattrs = list_xattrs,
    .set_xattr = set_xattr,
    .remove_xattr = remove_xattr,
    .statistics = statistics,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[FUSE_PAYLOAD_MAX];
    struct tree tree = {.kind = &yes};
    struct fuse_tree face = {.tree = &tree, .lifetime = 1};
    struct fuse_reply reply;

    while (size >= 2) {
        size_t len = (size_t)data[0] << 8 | data[1];
        uint8_t *request;

        data += 2;
        size -= 2;
        len = len < size ? len : size;
        request = malloc(len > 0 ? len : 1); /* so that a read behind its end is seen */
        if (!request)
            break;
        memcpy(request, data, len);
        if (fuse_tree_answer(&face, request, len, room, &reply) == RC_OK &&
            (reply.data_len > sizeof room || reply.body_len > sizeof reply.body ||
             reply.head.len != sizeof reply.head + reply.body_len + reply.data_len))
            abort();
        free(request);
        data += len;
        size -= len;
    }
    return 0;
}
