/*
 * Takes connections from one listening socket, in one loop, as long as there is room for them.
 */
#ifndef GATE_LISTEN_ACCEPTOR_H
#define GATE_LISTEN_ACCEPTOR_H

#include "io/address.h"
#include "io/loop.h"

/* Embedded in its owner; the first members are the owner's to fill. */
struct acceptor {
    /* Takes the fd, which is non-blocking and close-on-exec. */
    void (*accepted)(struct acceptor *acceptor, int fd, const struct address *from);
    /* Is there room for one more? It is asked again after a pause. */
    bool (*has_room)(struct acceptor *acceptor);

    struct watch watch;
    struct timer pause;
    struct loop *loop;
};

/* The fd stays the caller's. */
enum rc acceptor_begin(struct acceptor *acceptor, struct loop *loop, int fd,
                       struct fault *why);

/*
 * Takes those that wait in the kernel's queue, before the socket is closed and they are lost.
 */
void acceptor_drain(struct acceptor *acceptor);

/* Harmless where it is not at work. */
void acceptor_end(struct acceptor *acceptor);

#endif
