/*
 * Names to addresses by DNS, without waiting: c-ares on a loop. Servers take turns; what does not fit into a
 * datagram is asked for again over TCP.
 */
#ifndef IO_ARES_RESOLVER_H
#define IO_ARES_RESOLVER_H

#include "io/address.h"
#include "io/loop.h"

enum { RESOLVER_ADDRESSES = 64, RESOLVER_SERVICES = 32 };

struct resolver; /* one for each loop and set of servers */

struct resolver_options {
    const struct address *servers; /* none: those of /etc/resolv.conf */
    size_t servers_count;
    bool no_ipv4, no_ipv6;
    uint64_t timeout_ms; /* for all tries of one question */
};

struct resolver_answer {
    struct resolved {
        struct address address;
        uint16_t priority, weight; /* of a service; weight 0 otherwise */
    } all[RESOLVER_ADDRESSES];
    size_t count;
    uint64_t ttl_ms; /* the shortest */
};

/* Embedded in its owner; {0} is one that does not run. */
struct resolver_query {
    /*
     * Called once, never from within resolver_ask. RC_OK: `answer` has one address or more. RC_NOT_FOUND: there is
     * no such name, or it has no address. RC_IO: nobody could say. `why` is for people.
     */
    void (*done)(struct resolver_query *query, enum rc rc,
                 const struct resolver_answer *answer, const struct fault *why);
    struct question *question; /* NULL: it does not run */
};

/* RC_MEMORY, RC_IO. */
enum rc resolver_open(struct resolver **out, struct loop *loop,
                      const struct resolver_options *options, struct fault *why);

/* What runs is cancelled. Harmless on NULL. */
void resolver_close(struct resolver *resolver);

/* `name` is copied. The port goes into each address. */
void resolver_ask(struct resolver *resolver, struct resolver_query *query, struct span name,
                  uint16_t port);

/* The SRV records of a name ("_http._tcp.example.com"), and the addresses behind them. */
void resolver_ask_service(struct resolver *resolver, struct resolver_query *query,
                          struct span name);

/* After it `done` is not called. Harmless when it does not run. */
void resolver_cancel(struct resolver_query *query);

#endif
