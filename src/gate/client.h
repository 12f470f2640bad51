/*
 * A client's connection: from accept over its requests, one after the other, to its end. While it is
 * idle it has no buffer and no request.
 */
#ifndef GATE_CLIENT_H
#define GATE_CLIENT_H

#include <netinet/in.h>

#include "base/list.h"
#include "gate/proxy_protocol/proxy_protocol.h"
#include "gate/site.h"
#include "io/loop.h"
#include "io/stream.h"

struct service;
struct request;

enum client_state {
    CLIENT_ANNOUNCED, /* the PROXY protocol's header is awaited */
    CLIENT_HANDSHAKE, /* TLS */
    CLIENT_IDLE,      /* no request has begun */
    CLIENT_BUSY,      /* `request` says the rest */
    CLIENT_LINGERING, /* all is said; what still comes is thrown away, so that no reset destroys the answer */
    CLIENT_CLOSED,
};

struct client {
    struct watch watch;
    struct stream stream;
    struct timer timer;
    struct list all;
    struct service *service;
    const struct listener *listener;
    const struct server *server; /* by SNI, or the listener's default */
    struct request *request;
    uint64_t number; /* of the connection, in this worker */
    uint64_t opened_ms;
    uint32_t requests;
    uint8_t state;         /* enum client_state */
    bool readable, hangup; /* as in struct origin */
    bool writable;
    struct proxy_protocol
        *announced;    /* NULL: the connection's own addresses are all that is known */
    bool plain_at_tls; /* it spoke plain HTTP to a TLS port: 497 */
    union {            /* where it comes from; AF_UNIX has no more than that */
        sa_family_t family;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } from;
};

void client_begin(struct client *client, int fd);

/* As stream_read, and RC_AGAIN at once when nothing waits. */
enum rc client_read(struct client *client, void *at, size_t size, size_t *got);

/* Without a request: waits for the first or the next one. */
void client_wait(struct client *client);

/* The same after a false alarm, which wins no more time. */
void client_wait_on(struct client *client);

/*
 * The service takes no more. One that has just been answered may have sent its next request already, which must
 * not meet a closed connection: it is given a moment, and told with that answer.
 */
void client_drain(struct client *client);

/* Writes no more, reads and drops what comes for a while, then closes. */
void client_linger(struct client *client);

/* Now. From any state; the request, if there is one, must have been freed. */
void client_close(struct client *client);

/*
 * The same in the middle of an answer, which must not be taken for whole: without TLS's word of a meant
 * end; `reset` where the end of the connection would be the end of the answer.
 */
void client_break(struct client *client, bool reset);

/* The address it comes from, as io/address.h has it. */
void client_address(const struct client *client, struct address *address);

#endif
