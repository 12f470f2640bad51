#include "keep/mount/fuse_link.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/secret.h"
#include "keep/mount/fuse_uring.h"

enum { PAGE = 4096 };

/* A kernel with another major number asks again, with ours. */
static bool read_init(const void *request, size_t len, struct fuse_init_in *init)
{
    struct fuse_in_header head;

    *init = (struct fuse_init_in){0};
    if (len < sizeof head)
        return false;
    memcpy(&head, request, sizeof head);
    len -= sizeof head;
    memcpy(init, (const uint8_t *)request + sizeof head,
           len < sizeof *init ? len : sizeof *init);
    return head.opcode == FUSE_INIT && init->major == FUSE_KERNEL_VERSION;
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void agree_on_rings(struct fuse_link *link, const struct fuse_init_in *in,
                           struct fuse_init_out *out)
{
    const uint32_t rings = FUSE_OVER_IO_URING >> 32;

    if (link->ring_payload == 0 || !(in->flags & FUSE_INIT_EXT) || !(in->flags2 & rings))
        return;
    out->flags |= FUSE_INIT_EXT;
    out->flags2 |= rings;
    link->has_rings = true;
}

/* Faces know nothing of rings: what they agreed to is cut to what these can take, or to what is best by
 * /dev/fuse. */
static void agree_on_size(const struct fuse_link *link, struct fuse_init_out *out)
{
    uint32_t most = link->has_rings ? link->ring_payload : link->handler.piece;

    if (most == 0)
        return;
    out->max_write = lesser(out->max_write, most);
    out->max_pages = (uint16_t)lesser(out->max_pages, most / PAGE);
}

enum rc fuse_link_answer(struct fuse_link *link, const void *request, size_t len, void *room,
                         struct fuse_reply *reply)
{
    struct fuse_init_in init;
    bool greets = !link->ready && read_init(request, len, &init);
    enum rc rc = link->handler.answer(link->handler.of, request, len, room, reply);

    if (greets && rc == RC_OK && reply->head.error == 0) {
        agree_on_rings(link, &init, &reply->body.init);
        agree_on_size(link, &reply->body.init);
        link->ready = true;
    }
    return rc;
}

bool fuse_link_send(const struct fuse_link *link, struct fuse_reply *reply)
{
    struct iovec pieces[] = {
        {&reply->head, sizeof reply->head},
        {&reply->body, reply->body_len},
        {(void *)(uintptr_t)reply->data, reply->data_len},
    };

    if (reply->silent)
        return true;
    /* ENOENT: whoever asked was interrupted, and waits no more. */
    return writev(link->fd, pieces, 3) >= 0 || errno == ENOENT || errno == EINTR;
}

enum rc fuse_link_start(struct fuse_link *link, pthread_t *thread, const char *name,
                        void *(*serve)(void *), void *of, struct fault *why)
{
    int error;

    atomic_fetch_add(&link->running, 1);
    error = pthread_create(thread, NULL, serve, of);
    if (error != 0) {
        fuse_link_leave(link);
        errno = error;
        return fail_errno(why, RC_MEMORY, "%s: no thread to serve it", link->directory);
    }
    pthread_setname_np(*thread, name);
    return RC_OK;
}

void fuse_link_enter(void)
{
    prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0); /* where it is permitted: root mounts on top of us */
}

void fuse_link_leave(struct fuse_link *link)
{
    if (atomic_fetch_sub(&link->running, 1) == 1)
        eventfd_write(link->ended, 1);
}

/* How many of the bytes. */
static size_t may_lock(const struct fuse_link *link, size_t size)
{
    struct rlimit limit;

    if (geteuid() == 0)
        return size;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur / 2 <= link->locked)
        return 0;
    limit.rlim_cur = limit.rlim_cur / 2 - link->locked;
    return size < limit.rlim_cur ? size : (size_t)limit.rlim_cur / PAGE * PAGE;
}

void *fuse_link_buffer(struct fuse_link *link, size_t size)
{
    size_t locked = may_lock(link, size);
    void *buffer =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (buffer == MAP_FAILED)
        return NULL;
    madvise(buffer, size, MADV_HUGEPAGE); /* where there are some */
    memset(buffer, 0, size);
    if (mlock(buffer, locked) == 0)
        link->locked += locked;
    madvise(buffer, size, MADV_DONTDUMP);
    return buffer;
}

void fuse_link_buffer_free(void *buffer, size_t size)
{
    if (!buffer)
        return;
    wipe(buffer, size);
    munmap(buffer, size);
}
