/* The bytes of files. */
#include <errno.h>
#include <fcntl.h>

#include "keep/mount/fuse_tree_call.h"

/* In a write cache the kernel reads what is only to be written, and knows itself where the end
 * is: so there are two ways to open, for reading and for both. */
static int access_of(uint32_t flags)
{
    return (flags & O_ACCMODE) == O_RDONLY ? O_RDONLY : O_RDWR;
}

static int truncate_opened(struct fuse_call *c, tree_handle file, uint32_t open_flags)
{
    struct tree_change change = {.fields = TREE_CHANGE_SIZE};
    struct stat about;

    if (open_flags & FUSE_OPEN_KILL_SUIDGID)
        change.fields |= TREE_CHANGE_KILL_SUID;
    return c->tree->kind->change
               ? c->tree->kind->change(c->tree, c->node, file, &change, &about)
               : -EPERM;
}

int fuse_tree_open(struct fuse_call *c)
{
    struct fuse_open_in in;
    tree_handle file = 0;
    int error;

    fuse_call_take(c, &in, sizeof in);
    if (!c->tree->kind->open)
        return -ENOSYS;
    if (c->tree->read_only && (access_of(in.flags) != O_RDONLY || (in.flags & O_TRUNC)))
        return -EROFS;
    error = c->tree->kind->open(c->tree, c->node, access_of(in.flags), &file);
    if (error != 0)
        return error;
    if ((in.flags & O_TRUNC) && (error = truncate_opened(c, file, in.open_flags)) != 0) {
        c->tree->kind->release(c->tree, file);
        return error;
    }
    c->reply->body.open = (struct fuse_open_out){.fh = file, .open_flags = FOPEN_KEEP_CACHE};
    fuse_call_reply_body(c, sizeof c->reply->body.open);
    return 0;
}

int fuse_tree_release(struct fuse_call *c)
{
    struct fuse_release_in in;

    fuse_call_take(c, &in, sizeof in);
    if (in.fh != 0)
        c->tree->kind->release(c->tree, in.fh);
    return 0;
}

int fuse_tree_read(struct fuse_call *c)
{
    struct fuse_read_in in;
    ssize_t got;

    fuse_call_take(c, &in, sizeof in);
    if (in.fh == 0 || in.size > FUSE_PAYLOAD_MAX || in.offset > (uint64_t)INT64_MAX - in.size)
        return in.fh == 0 ? -EBADF : -EINVAL;
    got = c->tree->kind->read(c->tree, in.fh, c->room, in.size, in.offset);
    if (got < 0)
        return (int)got;
    fuse_call_reply_data(c, (size_t)got);
    return 0;
}

static int take_privileges(struct fuse_call *c, tree_handle file)
{
    struct tree_change change = {.fields = TREE_CHANGE_KILL_SUID};
    struct stat about;

    return c->tree->kind->change
               ? c->tree->kind->change(c->tree, c->node, file, &change, &about)
               : 0;
}

int fuse_tree_write(struct fuse_call *c)
{
    struct fuse_write_in in;
    ssize_t put;
    int error;

    fuse_call_take(c, &in, sizeof in);
    if (in.fh == 0)
        return -EBADF;
    if (in.size != c->in_len)
        return -EINVAL;
    if (in.offset > (uint64_t)INT64_MAX - in.size)
        return -EFBIG;
    if ((in.write_flags & FUSE_WRITE_KILL_SUIDGID) && (error = take_privileges(c, in.fh)) != 0)
        return error;
    put = c->tree->kind->write
              ? c->tree->kind->write(c->tree, in.fh, c->in, in.size, in.offset)
              : -EBADF;
    if (put < 0)
        return (int)put;
    c->reply->body.write = (struct fuse_write_out){.size = (uint32_t)put};
    fuse_call_reply_body(c, sizeof c->reply->body.write);
    return 0;
}

int fuse_tree_fsync(struct fuse_call *c)
{
    struct fuse_fsync_in in;

    fuse_call_take(c, &in, sizeof in);
    if (!c->tree->kind->sync)
        return -ENOSYS;
    if (in.fh == 0)
        return -EBADF;
    return c->tree->kind->sync(c->tree, in.fh, in.fsync_flags & FUSE_FSYNC_FDATASYNC);
}

int fuse_tree_fallocate(struct fuse_call *c)
{
    struct fuse_fallocate_in in;

    fuse_call_take(c, &in, sizeof in);
    if (!c->tree->kind->allocate)
        return -ENOSYS;
    if (in.fh == 0)
        return -EBADF;
    if (in.length == 0 || in.length > INT64_MAX || in.offset > INT64_MAX)
        return -EINVAL;
    if (in.offset > INT64_MAX - in.length)
        return -EFBIG;
    return c->tree->kind->allocate(c->tree, in.fh, (int)in.mode, in.offset, in.length);
}
