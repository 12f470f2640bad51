/* One request to a tree, with what answers it; for fuse_tree*.c alone. */
#ifndef KEEP_MOUNT_FUSE_TREE_CALL_H
#define KEEP_MOUNT_FUSE_TREE_CALL_H

#include "keep/mount/fuse_tree.h"

struct fuse_call {
    struct fuse_tree *face;
    struct tree *tree;
    uint64_t node;
    struct tree_caller caller;
    uint32_t opcode;
    const uint8_t
        *in; /* behind the header, and behind the operation's own struct once it is taken */
    size_t in_len;
    void *room;
    struct fuse_reply *reply;
};

/* Takes the operation's struct off the request, which is known to be long enough. */
void fuse_call_take(struct fuse_call *c, void *out, size_t len);

/*
 * Takes one name, which may be one in a directory.
 *
 * -EINVAL, -ENAMETOOLONG
 */
int fuse_call_take_name(struct fuse_call *c, const char **out);

/* The thread that serves makes what it makes with this umask from now on. */
void fuse_call_umask(uint32_t mask);

void fuse_call_attr(const struct stat *about, struct fuse_attr *out);
void fuse_call_entry(const struct fuse_call *c, const struct tree_entry *entry,
                     struct fuse_entry_out *out);
/* Makes it the reply, of entries and of attributes. */
int fuse_call_reply_entry(struct fuse_call *c, const struct tree_entry *entry);
int fuse_call_reply_attr(struct fuse_call *c, const struct stat *about);
/* The reply begins with a struct of its body. */
void fuse_call_reply_body(struct fuse_call *c, size_t len);
void fuse_call_reply_data(struct fuse_call *c, size_t len);

/* The answers: 0, or the negative errno to reply. */
typedef int fuse_call_answer(struct fuse_call *c);

fuse_call_answer fuse_tree_init;
fuse_call_answer fuse_tree_lookup, fuse_tree_forget, fuse_tree_batch_forget, fuse_tree_symlink,
    fuse_tree_mknod, fuse_tree_mkdir, fuse_tree_create, fuse_tree_tmpfile, fuse_tree_unlink,
    fuse_tree_rmdir, fuse_tree_rename, fuse_tree_rename2, fuse_tree_link;
fuse_call_answer fuse_tree_getattr, fuse_tree_statx, fuse_tree_setattr, fuse_tree_readlink,
    fuse_tree_statfs;
fuse_call_answer fuse_tree_open, fuse_tree_release, fuse_tree_read, fuse_tree_write,
    fuse_tree_fsync, fuse_tree_fallocate;
fuse_call_answer fuse_tree_opendir, fuse_tree_releasedir, fuse_tree_readdir,
    fuse_tree_fsyncdir;
fuse_call_answer fuse_tree_getxattr, fuse_tree_listxattr, fuse_tree_setxattr,
    fuse_tree_removexattr;

#endif
