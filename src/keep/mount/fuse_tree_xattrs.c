/* Extended attributes, ACLs among them. */
#include <errno.h>
#include <linux/limits.h>
#include <string.h>

#include "keep/mount/fuse_tree_call.h"

/* The name, which the value in the room must not overwrite before it was used. */
static int take_xattr_name(struct fuse_call *c, char out[XATTR_NAME_MAX + 1])
{
    size_t len = strnlen((const char *)c->in, c->in_len);

    if (len == c->in_len || len == 0)
        return -EINVAL;
    if (len > XATTR_NAME_MAX)
        return -ERANGE;
    memcpy(out, c->in, len + 1);
    c->in += len + 1;
    c->in_len -= len + 1;
    return 0;
}

/* A size where that alone was asked for, otherwise the bytes themselves. */
static int reply_bytes(struct fuse_call *c, uint32_t size, ssize_t got)
{
    if (got < 0)
        return (int)got;
    if (size > 0) {
        fuse_call_reply_data(c, (size_t)got);
        return 0;
    }
    *(struct fuse_getxattr_out *)(void *)c->reply->body.bytes =
        (struct fuse_getxattr_out){.size = (uint32_t)got};
    fuse_call_reply_body(c, sizeof(struct fuse_getxattr_out));
    return 0;
}

int fuse_tree_getxattr(struct fuse_call *c)
{
    struct fuse_getxattr_in in;
    char name[XATTR_NAME_MAX + 1];
    int error;

    if (!c->tree->kind->get_xattr)
        return -ENOSYS;
    fuse_call_take(c, &in, sizeof in);
    if ((error = take_xattr_name(c, name)) != 0)
        return error;
    if (in.size > XATTR_SIZE_MAX)
        in.size = XATTR_SIZE_MAX;
    return reply_bytes(c, in.size,
                       c->tree->kind->get_xattr(c->tree, c->node, name, c->room, in.size));
}

int fuse_tree_listxattr(struct fuse_call *c)
{
    struct fuse_getxattr_in in;

    if (!c->tree->kind->list_xattrs)
        return -ENOSYS;
    fuse_call_take(c, &in, sizeof in);
    if (in.size > XATTR_LIST_MAX)
        in.size = XATTR_LIST_MAX;
    return reply_bytes(c, in.size,
                       c->tree->kind->list_xattrs(c->tree, c->node, c->room, in.size));
}

/* Who is not of the file's group may not keep its set-group-ID bit by an ACL. */
static int take_group_privilege(struct fuse_call *c)
{
    struct tree_change change = {.fields = TREE_CHANGE_MODE};
    struct stat about;
    int error = c->tree->kind->attributes(c->tree, c->node, 0, &about);

    if (error != 0 || !(about.st_mode & S_ISGID) || !c->tree->kind->change)
        return error;
    change.mode = about.st_mode & ALLPERMS & ~(mode_t)S_ISGID;
    return c->tree->kind->change(c->tree, c->node, 0, &change, &about);
}

int fuse_tree_setxattr(struct fuse_call *c)
{
    struct fuse_setxattr_in in = {0};
    size_t in_size = c->face->short_setxattr ? FUSE_COMPAT_SETXATTR_IN_SIZE : sizeof in;
    char name[XATTR_NAME_MAX + 1];
    int error;

    if (!c->tree->kind->set_xattr)
        return -ENOSYS;
    if (c->in_len < in_size)
        return -EINVAL;
    fuse_call_take(c, &in, in_size);
    if ((error = take_xattr_name(c, name)) != 0)
        return error;
    if (in.size != c->in_len || in.size > XATTR_SIZE_MAX)
        return in.size > XATTR_SIZE_MAX ? -E2BIG : -EINVAL;
    error = c->tree->kind->set_xattr(c->tree, c->node, name, c->in, in.size, (int)in.flags);
    if (error == 0 && (in.setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID))
        error = take_group_privilege(c);
    return error;
}

int fuse_tree_removexattr(struct fuse_call *c)
{
    char name[XATTR_NAME_MAX + 1];
    int error;

    if (!c->tree->kind->remove_xattr)
        return -ENOSYS;
    error = take_xattr_name(c, name);
    return error ? error : c->tree->kind->remove_xattr(c->tree, c->node, name);
}
