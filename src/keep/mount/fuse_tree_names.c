/* Names in directories: found, made, moved and removed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "keep/mount/fuse_tree_call.h"

int fuse_tree_lookup(struct fuse_call *c)
{
    struct tree_entry entry = {0};
    const char *name;
    int error = fuse_call_take_name(c, &name);

    if (error == 0)
        error = c->tree->kind->look_up(c->tree, c->node, name, &entry);
    if (error == -ENOENT && c->face->lifetime > 0) { /* which the kernel may keep in mind */
        c->reply->body.entry = (struct fuse_entry_out){.entry_valid = c->face->lifetime};
        fuse_call_reply_body(c, sizeof c->reply->body.entry);
        return 0;
    }
    return error ? error : fuse_call_reply_entry(c, &entry);
}

int fuse_tree_forget(struct fuse_call *c)
{
    struct fuse_forget_in in;

    fuse_call_take(c, &in, sizeof in);
    c->tree->kind->forget(c->tree, c->node, in.nlookup);
    return 0;
}

int fuse_tree_batch_forget(struct fuse_call *c)
{
    struct fuse_batch_forget_in in;
    struct fuse_forget_one one;

    fuse_call_take(c, &in, sizeof in);
    while (in.count-- > 0 && c->in_len >= sizeof one) {
        fuse_call_take(c, &one, sizeof one);
        c->tree->kind->forget(c->tree, one.nodeid, one.nlookup);
    }
    return 0;
}

static int make(struct fuse_call *c, const char *name, struct tree_new *what)
{
    struct tree_entry entry;
    int error;

    if (!c->tree->kind->make)
        return -EPERM;
    what->caller = c->caller;
    error = c->tree->kind->make(c->tree, c->node, name, what, &entry);
    return error ? error : fuse_call_reply_entry(c, &entry);
}

int fuse_tree_symlink(struct fuse_call *c)
{
    struct tree_new what = {.mode = S_IFLNK | ACCESSPERMS};
    const char *name;
    int error = fuse_call_take_name(c, &name);
    size_t len;

    if (error != 0)
        return error;
    len = strnlen((const char *)c->in, c->in_len);
    if (len == 0 || len == c->in_len)
        return len == 0 ? -ENOENT : -EINVAL;
    if (len >= PATH_MAX)
        return -ENAMETOOLONG;
    what.target = (const char *)c->in;
    return make(c, name, &what);
}

int fuse_tree_mknod(struct fuse_call *c)
{
    struct fuse_mknod_in in;
    const char *name;
    int error;

    fuse_call_take(c, &in, sizeof in);
    error = fuse_call_take_name(c, &name);
    if (error != 0)
        return error;
    fuse_call_umask(in.umask);
    return make(
        c, name,
        &(struct tree_new){.mode = in.mode,
                           .device = makedev(in.rdev >> 8 & 0xfff,
                                             (in.rdev & 0xff) | (in.rdev >> 12 & 0xfff00))});
}

int fuse_tree_mkdir(struct fuse_call *c)
{
    struct fuse_mkdir_in in;
    const char *name;
    int error;

    fuse_call_take(c, &in, sizeof in);
    error = fuse_call_take_name(c, &name);
    if (error != 0)
        return error;
    fuse_call_umask(in.umask);
    return make(c, name, &(struct tree_new){.mode = S_IFDIR | (in.mode & ALLPERMS)});
}

/* What is made, with the caller's umask on this thread. */
static struct tree_new new_file(struct fuse_call *c, const struct fuse_create_in *in)
{
    fuse_call_umask(in->umask);
    return (struct tree_new){.mode = S_IFREG | (in->mode & ALLPERMS), .caller = c->caller};
}

static int reply_created(struct fuse_call *c, const struct tree_entry *entry, tree_handle file)
{
    const struct fuse_open_out open = {.fh = file, .open_flags = FOPEN_KEEP_CACHE};

    fuse_call_reply_entry(c, entry);
    memcpy(c->reply->body.bytes + sizeof(struct fuse_entry_out), &open, sizeof open);
    fuse_call_reply_body(c, sizeof(struct fuse_entry_out) + sizeof open);
    return 0;
}

int fuse_tree_create(struct fuse_call *c)
{
    struct fuse_create_in in;
    struct tree_new what;
    struct tree_entry entry;
    tree_handle file;
    const char *name;
    int error;

    if (!c->tree->kind->create)
        return -ENOSYS;
    fuse_call_take(c, &in, sizeof in);
    error = fuse_call_take_name(c, &name);
    if (error != 0)
        return error;
    what = new_file(c, &in);
    error = c->tree->kind->create(c->tree, c->node, name, &what,
                                  (int)(in.flags & O_EXCL) | O_CREAT | O_RDWR, &entry, &file);
    return error ? error : reply_created(c, &entry, file);
}

/* As CREATE, with a name that means nothing. */
int fuse_tree_tmpfile(struct fuse_call *c)
{
    struct fuse_create_in in;
    struct tree_new what;
    struct tree_entry entry;
    tree_handle file;
    int error;

    if (!c->tree->kind->create_unnamed)
        return -ENOSYS;
    fuse_call_take(c, &in, sizeof in);
    what = new_file(c, &in);
    error = c->tree->kind->create_unnamed(c->tree, c->node, &what, &entry, &file);
    return error ? error : reply_created(c, &entry, file);
}

static int remove_with(struct fuse_call *c,
                       int (*remove)(struct tree *t, uint64_t parent, const char *name))
{
    const char *name;
    int error = fuse_call_take_name(c, &name);

    if (!remove)
        return -EPERM;
    return error ? error : remove(c->tree, c->node, name);
}

int fuse_tree_unlink(struct fuse_call *c)
{
    return remove_with(c, c->tree->kind->unlink);
}

int fuse_tree_rmdir(struct fuse_call *c)
{
    return remove_with(c, c->tree->kind->remove_directory);
}

static int move(struct fuse_call *c, uint64_t new_parent, unsigned flags)
{
    const char *name, *new_name;
    int error;

    if (!c->tree->kind->rename)
        return -EPERM;
    if ((error = fuse_call_take_name(c, &name)) || (error = fuse_call_take_name(c, &new_name)))
        return error;
    return c->tree->kind->rename(c->tree, c->node, name, new_parent, new_name, flags);
}

int fuse_tree_rename(struct fuse_call *c)
{
    struct fuse_rename_in in;

    fuse_call_take(c, &in, sizeof in);
    return move(c, in.newdir, 0);
}

int fuse_tree_rename2(struct fuse_call *c)
{
    struct fuse_rename2_in in;

    fuse_call_take(c, &in, sizeof in);
    return move(c, in.newdir, in.flags);
}

int fuse_tree_link(struct fuse_call *c)
{
    struct fuse_link_in in;
    struct tree_entry entry;
    const char *name;
    int error;

    if (!c->tree->kind->link)
        return -EPERM;
    fuse_call_take(c, &in, sizeof in);
    error = fuse_call_take_name(c, &name);
    if (error == 0)
        error = c->tree->kind->link(c->tree, in.oldnodeid, c->node, name, &entry);
    return error ? error : fuse_call_reply_entry(c, &entry);
}
