/* INIT: what the kernel offers, and what of it a tree takes. */
#include <errno.h>
#include <string.h>

#include "keep/mount/fuse_tree_call.h"

enum {
    MINOR_LEAST = 31, /* Linux 5.4: RENAME2, MAX_PAGES, EXPLICIT_INVAL_DATA */
    BACKGROUND = 64,  /* requests that the kernel may have in flight beside those waited for */
};

/*
 * WRITEBACK_CACHE: small writes are gathered. EXPLICIT_INVAL_DATA: nobody else changes the
 * files, so that a new mtime is no reason to read them anew. DONT_MASK, POSIX_ACL: the file
 * system below takes off the umask, or minds a default ACL. HANDLE_KILLPRIV_V2: the kernel says
 * when a write takes the set-user-ID bit away, and need not ask for security.capability at each.
 */
static const uint32_t wanted =
    FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS |
    FUSE_MAX_PAGES | FUSE_WRITEBACK_CACHE | FUSE_EXPLICIT_INVAL_DATA | FUSE_DO_READDIRPLUS |
    FUSE_READDIRPLUS_AUTO | FUSE_ATOMIC_O_TRUNC | FUSE_DONT_MASK | FUSE_POSIX_ACL |
    FUSE_CACHE_SYMLINKS | FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT;

int fuse_tree_init(struct fuse_call *c)
{
    struct fuse_init_in in = {0};
    struct fuse_init_out *out = &c->reply->body.init;

    fuse_call_take(c, &in, 16);
    *out = (struct fuse_init_out){.major = FUSE_KERNEL_VERSION,
                                  .minor = FUSE_KERNEL_MINOR_VERSION};
    fuse_call_reply_body(c, sizeof *out);
    if (in.major > FUSE_KERNEL_VERSION)
        return 0; /* it comes again with ours */
    if (in.major < FUSE_KERNEL_VERSION || in.minor < MINOR_LEAST)
        return -EPROTO;
    out->max_readahead = in.max_readahead;
    out->flags = in.flags & wanted;
    c->face->short_setxattr = !(in.flags & FUSE_SETXATTR_EXT);
    if (!c->tree->kind->get_xattr)
        out->flags &= ~(uint32_t)FUSE_POSIX_ACL;
    out->max_background = BACKGROUND;
    out->congestion_threshold = BACKGROUND * 3 / 4;
    out->max_write = FUSE_PAYLOAD_MAX;
    out->max_pages = FUSE_PAYLOAD_MAX / 4096;
    out->time_gran = 1;
    return 0;
}
