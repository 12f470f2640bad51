#include "keep/mount/fuse_tree.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "keep/mount/fuse_tree_call.h"

void fuse_call_take(struct fuse_call *c, void *out, size_t len)
{
    memcpy(out, c->in, len);
    c->in += len;
    c->in_len -= len;
}

int fuse_call_take_name(struct fuse_call *c, const char **out)
{
    const char *name = (const char *)c->in, *end = memchr(name, '\0', c->in_len);

    if (!end || end == name || memchr(name, '/', (size_t)(end - name)) ||
        strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return -EINVAL;
    c->in_len -= (size_t)(end + 1 - name);
    c->in += end + 1 - name;
    *out = name;
    return end - name > NAME_MAX ? -ENAMETOOLONG : 0;
}

void fuse_call_umask(uint32_t mask)
{
    static _Thread_local bool apart;
    static _Thread_local uint32_t latest;

    if (apart && mask == latest)
        return;
    if (!apart)
        apart = unshare(CLONE_FS) == 0;
    if (apart)
        umask(mask & ACCESSPERMS);
    latest = mask;
}

/* As the kernel packs it into 32 bits. */
static uint32_t packed_device(dev_t device)
{
    unsigned low = minor(device);

    return (low & 0xff) | major(device) << 8 | (low & ~0xffu) << 12;
}

void fuse_call_attr(const struct stat *about, struct fuse_attr *out)
{
    *out = (struct fuse_attr){
        .ino = about->st_ino,
        .size = (uint64_t)about->st_size,
        .blocks = (uint64_t)about->st_blocks,
        .atime = (uint64_t)about->st_atim.tv_sec,
        .mtime = (uint64_t)about->st_mtim.tv_sec,
        .ctime = (uint64_t)about->st_ctim.tv_sec,
        .atimensec = (uint32_t)about->st_atim.tv_nsec,
        .mtimensec = (uint32_t)about->st_mtim.tv_nsec,
        .ctimensec = (uint32_t)about->st_ctim.tv_nsec,
        .mode = about->st_mode,
        .nlink = (uint32_t)about->st_nlink,
        .uid = about->st_uid,
        .gid = about->st_gid,
        .rdev = packed_device(about->st_rdev),
        .blksize = (uint32_t)about->st_blksize,
    };
}

void fuse_call_entry(const struct fuse_call *c, const struct tree_entry *entry,
                     struct fuse_entry_out *out)
{
    *out = (struct fuse_entry_out){.nodeid = entry->node,
                                   .entry_valid = c->face->lifetime,
                                   .attr_valid = c->face->lifetime};
    fuse_call_attr(&entry->about, &out->attr);
}

void fuse_call_reply_body(struct fuse_call *c, size_t len)
{
    c->reply->body_len = len;
}

void fuse_call_reply_data(struct fuse_call *c, size_t len)
{
    c->reply->data = c->room;
    c->reply->data_len = len;
}

int fuse_call_reply_entry(struct fuse_call *c, const struct tree_entry *entry)
{
    fuse_call_entry(c, entry, &c->reply->body.entry);
    fuse_call_reply_body(c, sizeof c->reply->body.entry);
    return 0;
}

int fuse_call_reply_attr(struct fuse_call *c, const struct stat *about)
{
    c->reply->body.attr = (struct fuse_attr_out){.attr_valid = c->face->lifetime};
    fuse_call_attr(about, &c->reply->body.attr.attr);
    fuse_call_reply_body(c, sizeof c->reply->body.attr);
    return 0;
}

static int no_device(struct fuse_call *c)
{
    (void)c;
    return -ENOTTY;
}

static int nothing(struct fuse_call *c)
{
    (void)c;
    return 0;
}

static int silent(struct fuse_call *c)
{
    c->reply->silent = true;
    return 0;
}

enum operation_needs {
    CHANGES = 1, /* nothing of the kind on a tree that is read only */
};

/*
 * What is not here is ENOSYS, which the kernel remembers and does by itself: FLUSH (each write
 * is with the tree already), ACCESS, locks, COPY_FILE_RANGE. LSEEK too: the kernel
 * asks where the holes are without writing its cache back, and would take fresh data for one.
 */
static const struct {
    fuse_call_answer *answer;
    uint16_t in_least; /* bytes behind the header, at least */
    uint16_t needs;
} operations[] = {
    [FUSE_LOOKUP] = {fuse_tree_lookup, 1, 0},
    [FUSE_FORGET] = {fuse_tree_forget, sizeof(struct fuse_forget_in), 0},
    [FUSE_GETATTR] = {fuse_tree_getattr, sizeof(struct fuse_getattr_in), 0},
    [FUSE_SETATTR] = {fuse_tree_setattr, sizeof(struct fuse_setattr_in), CHANGES},
    [FUSE_READLINK] = {fuse_tree_readlink, 0, 0},
    [FUSE_SYMLINK] = {fuse_tree_symlink, 2, CHANGES},
    [FUSE_MKNOD] = {fuse_tree_mknod, sizeof(struct fuse_mknod_in) + 1, CHANGES},
    [FUSE_MKDIR] = {fuse_tree_mkdir, sizeof(struct fuse_mkdir_in) + 1, CHANGES},
    [FUSE_UNLINK] = {fuse_tree_unlink, 1, CHANGES},
    [FUSE_RMDIR] = {fuse_tree_rmdir, 1, CHANGES},
    [FUSE_RENAME] = {fuse_tree_rename, sizeof(struct fuse_rename_in) + 2, CHANGES},
    [FUSE_LINK] = {fuse_tree_link, sizeof(struct fuse_link_in) + 1, CHANGES},
    [FUSE_OPEN] = {fuse_tree_open, sizeof(struct fuse_open_in), 0},
    [FUSE_READ] = {fuse_tree_read, sizeof(struct fuse_read_in), 0},
    [FUSE_WRITE] = {fuse_tree_write, sizeof(struct fuse_write_in), CHANGES},
    [FUSE_STATFS] = {fuse_tree_statfs, 0, 0},
    [FUSE_RELEASE] = {fuse_tree_release, sizeof(struct fuse_release_in), 0},
    [FUSE_FSYNC] = {fuse_tree_fsync, sizeof(struct fuse_fsync_in), 0},
    [FUSE_SETXATTR] = {fuse_tree_setxattr, FUSE_COMPAT_SETXATTR_IN_SIZE + 1, CHANGES},
    [FUSE_GETXATTR] = {fuse_tree_getxattr, sizeof(struct fuse_getxattr_in) + 1, 0},
    [FUSE_LISTXATTR] = {fuse_tree_listxattr, sizeof(struct fuse_getxattr_in), 0},
    [FUSE_REMOVEXATTR] = {fuse_tree_removexattr, 1, CHANGES},
    [FUSE_INIT] = {fuse_tree_init, 16, 0},
    [FUSE_OPENDIR] = {fuse_tree_opendir, sizeof(struct fuse_open_in), 0},
    [FUSE_READDIR] = {fuse_tree_readdir, sizeof(struct fuse_read_in), 0},
    [FUSE_RELEASEDIR] = {fuse_tree_releasedir, sizeof(struct fuse_release_in), 0},
    [FUSE_FSYNCDIR] = {fuse_tree_fsyncdir, sizeof(struct fuse_fsync_in), 0},
    [FUSE_CREATE] = {fuse_tree_create, sizeof(struct fuse_create_in) + 1, CHANGES},
    [FUSE_INTERRUPT] = {silent, 0, 0},
    [FUSE_DESTROY] = {nothing, 0, 0},
    [FUSE_IOCTL] = {no_device, 0, 0},
    [FUSE_BATCH_FORGET] = {fuse_tree_batch_forget, sizeof(struct fuse_batch_forget_in), 0},
    [FUSE_FALLOCATE] = {fuse_tree_fallocate, sizeof(struct fuse_fallocate_in), CHANGES},
    [FUSE_READDIRPLUS] = {fuse_tree_readdir, sizeof(struct fuse_read_in), 0},
    [FUSE_RENAME2] = {fuse_tree_rename2, sizeof(struct fuse_rename2_in) + 2, CHANGES},
    [FUSE_STATX] = {fuse_tree_statx, sizeof(struct fuse_statx_in), 0},
    [FUSE_TMPFILE] = {fuse_tree_tmpfile, sizeof(struct fuse_create_in), CHANGES},
};

static int dispatch(struct fuse_call *c)
{
    if (c->opcode >= sizeof operations / sizeof *operations || !operations[c->opcode].answer)
        return -ENOSYS;
    if (c->in_len < operations[c->opcode].in_least)
        return -EINVAL;
    if ((operations[c->opcode].needs & CHANGES) && c->tree->read_only)
        return -EROFS;
    return operations[c->opcode].answer(c);
}

enum rc fuse_tree_answer(void *of, const void *request, size_t len, void *room,
                         struct fuse_reply *reply)
{
    struct fuse_tree *face = of;
    struct fuse_in_header head;
    struct fuse_call c = {.face = face, .tree = face->tree, .room = room, .reply = reply};
    int error;

    if (len < sizeof head)
        return RC_FORMAT;
    memcpy(&head, request, sizeof head);
    if (head.len != len || len > FUSE_REQUEST_MAX)
        return RC_FORMAT;
    c.node = head.nodeid;
    c.opcode = head.opcode;
    c.caller = (struct tree_caller){.uid = head.uid, .gid = head.gid};
    c.in = (const uint8_t *)request + sizeof head;
    c.in_len = len - sizeof head;
    reply->body_len = reply->data_len = 0;
    reply->data = NULL;
    reply->silent = head.opcode == FUSE_FORGET || head.opcode == FUSE_BATCH_FORGET;
    error = dispatch(&c);
    if (error != 0)
        reply->body_len = reply->data_len = 0;
    reply->head = (struct fuse_out_header){
        .len = (uint32_t)(sizeof reply->head + reply->body_len + reply->data_len),
        .error = error,
        .unique = head.unique,
    };
    return RC_OK;
}
