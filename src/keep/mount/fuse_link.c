#include "keep/mount/fuse_link.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#include "base/secret.h"

/* A kernel with another major number asks again, with ours. */
static bool is_init_with_our_number(const void *request, size_t len)
{
    struct fuse_in_header head;
    uint32_t major;

    if (len < sizeof head + sizeof major)
        return false;
    memcpy(&head, request, sizeof head);
    memcpy(&major, (const uint8_t *)request + sizeof head, sizeof major);
    return head.opcode == FUSE_INIT && major == FUSE_KERNEL_VERSION;
}

enum rc fuse_link_answer(struct fuse_link *link, const void *request, size_t len, void *room,
                         struct fuse_reply *reply)
{
    bool init = !link->ready && is_init_with_our_number(request, len);
    enum rc rc = link->handler.answer(link->handler.of, request, len, room, reply);

    if (init && rc == RC_OK && reply->head.error == 0)
        link->ready = true;
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

void fuse_link_enter(void)
{
    prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0); /* where it is permitted: root mounts on top of us */
}

void fuse_link_leave(struct fuse_link *link)
{
    if (atomic_fetch_sub(&link->running, 1) == 1)
        eventfd_write(link->ended, 1);
}

void *fuse_link_buffer(size_t size)
{
    void *buffer = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    if (buffer == MAP_FAILED)
        return NULL;
    mlock(buffer, size); /* where it is permitted */
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
