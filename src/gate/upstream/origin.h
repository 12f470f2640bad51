/*
 * Connections of one loop to origins: made, handed to one user at a time, kept while idle. An idle
 * connection that says anything, or ends, is closed. A loop that has no idle one takes one of another
 * loop. An upstream may have `keepalive` of them for each loop, whichever loops they are at. Knows no request.
 */
#ifndef GATE_UPSTREAM_ORIGIN_H
#define GATE_UPSTREAM_ORIGIN_H

#include "base/list.h"
#include "gate/tls/tls_client.h"
#include "gate/upstream/proxy_settings.h"
#include "io/loop.h"
#include "io/stream.h"

struct origins; /* one for each loop */

struct origin {
    struct watch watch;
    struct stream stream;
    struct timer timer; /* the user's while in use: set `timer.fire`; the pool's while idle */
    struct list idle;   /* looked through for what follows it: all in one line of the cache */
    const struct address
        *address; /* of one server of an upstream: the pointer tells it from others */
    const struct upstream_settings *upstream;
    const struct tls_client *tls;
    uint64_t name_hash; /* of the TLS server name */
    const void *owner;  /* who alone may use it; NULL: anybody */
    struct origins *pool;
    void (*ready)(struct origin *origin); /* the user's; the flags below are up to date */
    void *user;
    uint64_t opened_ms;
    uint64_t requests;    /* that it has served */
    struct address local; /* that it was bound to; len 0: none */
    struct span
        announcement; /* the user's bytes, to be sent before all others; such a one is not kept */
    bool connecting, announced;
    bool
        withdrawn; /* another loop has taken its connection: what is left of it here waits to be used again */
    bool readable,
        hangup;    /* said by the loop; whoever reads until RC_AGAIN clears `readable` */
    bool writable; /* cleared by whoever is refused a write */
};

struct origin_target {
    const struct upstream_settings *upstream;
    size_t peer; /* index in upstream->addresses */
    const struct address *address;
    struct tls_client *tls; /* NULL: plain */
    const char *name;  /* TLS server name and the name to verify; may be NULL without TLS */
    const void *owner; /* the pool keeps it for requests of the same one */
    bool socket_keepalive;
    uint64_t socket_rcvbuf, socket_sndbuf; /* 0: the system's */
    struct address local;     /* that it is bound to; len 0: the system's choice */
    struct span announcement; /* lasts until it is connected */
};

/* `count` upstreams, as the site numbers them, and one more pool for targets that have none. */
enum rc origins_open(struct origins **out, struct loop *loop, size_t count, struct fault *why);
void origins_close(struct origins *pool);

/*
 * An idle connection to that target, or NULL. Not one of which there is news in this turn: it has ended, or what
 * came is not the answer to a request that was not sent yet.
 */
struct origin *origins_take(struct origins *pool, const struct origin_target *target);

/*
 * A new one, perhaps still connecting: `ready` is called when it is connected (connecting is false then) or
 * has failed (origin_error says so). RC_IO: refused at once. RC_MEMORY: nothing is left to ask with, which says
 * nothing of the server.
 */
enum rc origin_open(struct origin **out, struct origins *pool,
                    const struct origin_target *target, struct fault *why);

/* To be called from `ready` while `connecting`. RC_OK: usable now; RC_AGAIN: wait on. */
enum rc origin_finish_connect(struct origin *origin, struct fault *why);

/* True when nothing has come and the other side has not ended: asks the socket. */
bool origin_is_fresh(struct origin *origin);

/* True when all has been read that will ever come: asks the socket. False for TLS, where nobody knows without reading. */
bool origin_has_ended(struct origin *origin);

/* The user is done and nothing is left on it: keeps it idle, or closes it where that is the setting. */
void origins_give(struct origin *origin);

/* Closes it now; harmless on NULL. The memory may serve the next one at once. */
void origin_close(struct origin *origin);

/* Closes all that are idle. */
void origins_drain(struct origins *pool);

#endif
