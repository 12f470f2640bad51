/* What is known of a node besides its bytes: attributes, the target of a link, the room left. */
#include <errno.h>
#include <limits.h>
#include <sys/sysmacros.h>

#include "keep/mount/fuse_tree_call.h"

int fuse_tree_getattr(struct fuse_call *c)
{
    struct fuse_getattr_in in;
    struct stat about;
    int error;

    fuse_call_take(c, &in, sizeof in);
    error = c->tree->kind->attributes(c->tree, c->node,
                                      in.getattr_flags & FUSE_GETATTR_FH ? in.fh : 0, &about);
    return error ? error : fuse_call_reply_attr(c, &about);
}

static struct fuse_sx_time sx_time(const struct timespec *time)
{
    return (struct fuse_sx_time){.tv_sec = time->tv_sec, .tv_nsec = (uint32_t)time->tv_nsec};
}

/* The kernel asks so for the time of birth alone, and takes the rest with it. */
int fuse_tree_statx(struct fuse_call *c)
{
    struct fuse_statx_out *out = &c->reply->body.statx;
    struct timespec birth;
    struct fuse_statx_in in;
    struct stat about;
    int error;

    if (!c->tree->kind->birth)
        return -ENOSYS;
    fuse_call_take(c, &in, sizeof in);
    error = c->tree->kind->attributes(c->tree, c->node,
                                      in.getattr_flags & FUSE_GETATTR_FH ? in.fh : 0, &about);
    if (error != 0)
        return error;
    *out = (struct fuse_statx_out){
        .attr_valid = c->face->lifetime,
        .stat = {.mask = STATX_BASIC_STATS,
                 .blksize = (uint32_t)about.st_blksize,
                 .nlink = (uint32_t)about.st_nlink,
                 .uid = about.st_uid,
                 .gid = about.st_gid,
                 .mode = (uint16_t)about.st_mode,
                 .ino = about.st_ino,
                 .size = (uint64_t)about.st_size,
                 .blocks = (uint64_t)about.st_blocks,
                 .atime = sx_time(&about.st_atim),
                 .ctime = sx_time(&about.st_ctim),
                 .mtime = sx_time(&about.st_mtim),
                 .rdev_major = major(about.st_rdev),
                 .rdev_minor = minor(about.st_rdev)},
    };
    if (c->tree->kind->birth(c->tree, c->node, &birth) == 0) {
        out->stat.mask |= STATX_BTIME;
        out->stat.btime = sx_time(&birth);
    }
    fuse_call_reply_body(c, sizeof *out);
    return 0;
}

/* The change time is left to the file system below: nobody can set that one. */
static void change_of(const struct fuse_setattr_in *in, struct tree_change *change)
{
    static const struct {
        unsigned valid, field;
    } fields[] = {
        {FATTR_MODE, TREE_CHANGE_MODE},
        {FATTR_UID, TREE_CHANGE_UID},
        {FATTR_GID, TREE_CHANGE_GID},
        {FATTR_SIZE, TREE_CHANGE_SIZE},
        {FATTR_ATIME, TREE_CHANGE_ATIME},
        {FATTR_MTIME, TREE_CHANGE_MTIME},
        {FATTR_KILL_SUIDGID, TREE_CHANGE_KILL_SUID},
    };

    *change = (struct tree_change){
        .mode = in->mode & ALLPERMS,
        .uid = in->uid,
        .gid = in->gid,
        .size = in->size,
        .atime = {(time_t)in->atime, in->atimensec},
        .mtime = {(time_t)in->mtime, in->mtimensec},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (in->valid & fields[i].valid)
            change->fields |= fields[i].field;
    if (in->valid & FATTR_ATIME_NOW)
        change->atime.tv_nsec = UTIME_NOW;
    if (in->valid & FATTR_MTIME_NOW)
        change->mtime.tv_nsec = UTIME_NOW;
}

int fuse_tree_setattr(struct fuse_call *c)
{
    struct fuse_setattr_in in;
    struct tree_change change;
    struct stat about;
    int error;

    if (!c->tree->kind->change)
        return -EPERM;
    fuse_call_take(c, &in, sizeof in);
    if (((in.valid & FATTR_SIZE) && in.size > INT64_MAX) || in.atimensec > 999999999 ||
        in.mtimensec > 999999999)
        return -EINVAL;
    change_of(&in, &change);
    error = c->tree->kind->change(c->tree, c->node, in.valid & FATTR_FH ? in.fh : 0, &change,
                                  &about);
    return error ? error : fuse_call_reply_attr(c, &about);
}

int fuse_tree_readlink(struct fuse_call *c)
{
    ssize_t len = c->tree->kind->read_link
                      ? c->tree->kind->read_link(c->tree, c->node, c->room)
                      : -EINVAL;

    if (len < 0)
        return (int)len;
    fuse_call_reply_data(c, (size_t)len < PATH_MAX ? (size_t)len : PATH_MAX - 1);
    return 0;
}

int fuse_tree_statfs(struct fuse_call *c)
{
    struct statvfs about;
    int error;

    if (!c->tree->kind->statistics)
        return -ENOSYS;
    error = c->tree->kind->statistics(c->tree, c->node, &about);
    if (error != 0)
        return error;
    c->reply->body.statfs = (struct fuse_statfs_out){.st = {
                                                         .blocks = about.f_blocks,
                                                         .bfree = about.f_bfree,
                                                         .bavail = about.f_bavail,
                                                         .files = about.f_files,
                                                         .ffree = about.f_ffree,
                                                         .bsize = (uint32_t)about.f_bsize,
                                                         .namelen = (uint32_t)about.f_namemax,
                                                         .frsize = (uint32_t)about.f_frsize,
                                                     }};
    fuse_call_reply_body(c, sizeof c->reply->body.statfs);
    return 0;
}
