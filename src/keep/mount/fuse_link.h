/* What the transports of one mount share: the connection, the handler, and who still serves. */
#ifndef KEEP_MOUNT_FUSE_LINK_H
#define KEEP_MOUNT_FUSE_LINK_H

#include <pthread.h>
#include <stdatomic.h>

#include "keep/mount/fuse_transport.h"

struct fuse_link {
    struct fuse_handler handler;
    const char *directory;
    int fd;                /* the connection */
    int ended;             /* an eventfd, written when the last thread ends */
    atomic_uint running;   /* threads */
    bool ready;            /* INIT was answered */
    uint32_t ring_payload; /* bytes of a request or reply that the rings take; 0: none */
    bool has_rings;        /* the kernel was told to use them */
    size_t locked;         /* bytes of buffers */
};

/* Answers, and sees to it that INIT speaks of rings where there are some. RC_FORMAT: the
 * connection is of no use any more. */
enum rc fuse_link_answer(struct fuse_link *link, const void *request, size_t len, void *room,
                         struct fuse_reply *reply);

/* False when the connection is over. */
bool fuse_link_send(const struct fuse_link *link, struct fuse_reply *reply);

/* Starts a thread that serves; the name is for 'top' and the like. RC_MEMORY. */
enum rc fuse_link_start(struct fuse_link *link, pthread_t *thread, const char *name,
                        void *(*serve)(void *), void *of, struct fault *why);

/* What it begins and ends with. */
void fuse_link_enter(void);
void fuse_link_leave(struct fuse_link *link);

/*
 * Pages that are there and go into no dump; as many of them stay there as an ordinary user may
 * lock and still have half of it for secrets. Of 2 MiB each, where the system has some and
 * `size` is several: the kernel looks up each page that it copies to or from. NULL: no memory.
 */
void *fuse_link_buffer(struct fuse_link *link, size_t size);
void fuse_link_buffer_free(void *buffer, size_t size);

#endif
