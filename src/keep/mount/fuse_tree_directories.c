/* Directories, read from one end to the other. */
#include <errno.h>
#include <string.h>

#include "keep/mount/fuse_tree_call.h"

/* The entries of one reply. */
struct listing {
    struct fuse_call *call;
    uint8_t *at;
    size_t len, room;
    bool plus;
};

int fuse_tree_opendir(struct fuse_call *c)
{
    struct fuse_open_out *out = &c->reply->body.open;
    int error;

    *out = (struct fuse_open_out){0};
    error = c->tree->kind->open_directory(c->tree, c->node, &out->fh);
    if (error != 0)
        return error;
    if (c->face->lifetime > 0)
        out->open_flags = FOPEN_CACHE_DIR | FOPEN_KEEP_CACHE;
    fuse_call_reply_body(c, sizeof *out);
    return 0;
}

int fuse_tree_releasedir(struct fuse_call *c)
{
    struct fuse_release_in in;

    fuse_call_take(c, &in, sizeof in);
    if (in.fh != 0)
        c->tree->kind->release_directory(c->tree, in.fh);
    return 0;
}

/* A tree_fill: appends one struct fuse_dirent or, with what was looked up, fuse_direntplus. */
static bool add_entry(void *of, const char *name, uint64_t inode, mode_t type, uint64_t next,
                      const struct tree_entry *entry)
{
    struct listing *listing = of;
    size_t head = listing->plus ? sizeof(struct fuse_entry_out) : 0, name_len = strlen(name);
    size_t whole = head + FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + name_len);
    struct fuse_dirent about = {.ino = inode,
                                .off = next,
                                .namelen = (uint32_t)name_len,
                                .type = (type & S_IFMT) >> 12};
    uint8_t *at = listing->at + listing->len;

    if (whole > listing->room - listing->len)
        return false;
    memset(at, 0, whole);
    if (listing->plus && entry) {
        struct fuse_entry_out out;

        fuse_call_entry(listing->call, entry, &out);
        memcpy(at, &out, sizeof out);
    }
    memcpy(at + head, &about, FUSE_NAME_OFFSET);
    memcpy(at + head + FUSE_NAME_OFFSET, name, name_len);
    listing->len += whole;
    return true;
}

int fuse_tree_readdir(struct fuse_call *c)
{
    struct fuse_read_in in;
    struct listing listing = {.call = c, .at = c->room, .plus = c->opcode == FUSE_READDIRPLUS};
    int error;

    fuse_call_take(c, &in, sizeof in);
    if (in.fh == 0 || in.size > FUSE_PAYLOAD_MAX)
        return in.fh == 0 ? -EBADF : -EINVAL;
    listing.room = in.size;
    error = c->tree->kind->read_directory(c->tree, in.fh, in.offset, listing.plus, add_entry,
                                          &listing);
    if (error != 0 && listing.len == 0)
        return error;
    fuse_call_reply_data(c, listing.len);
    return 0;
}

int fuse_tree_fsyncdir(struct fuse_call *c)
{
    struct fuse_fsync_in in;

    fuse_call_take(c, &in, sizeof in);
    if (!c->tree->kind->sync_directory)
        return -ENOSYS;
    return in.fh == 0 ? -EBADF : c->tree->kind->sync_directory(c->tree, in.fh);
}
