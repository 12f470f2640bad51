/*
 * The sockets that connections come in by: one for each address and loop, so that the kernel
 * spreads connections over the loops (SO_REUSEPORT, set where there is more than one). They
 * belong to the master, and outlive workers and configurations.
 */
#ifndef GATE_LISTEN_LISTEN_SOCKETS_H
#define GATE_LISTEN_LISTEN_SOCKETS_H

#include <stdbool.h>

#include "base/fault.h"
#include "io/address.h"

/* so_keepalive: what accepted connections inherit. Seconds and a number; 0: the system's. */
struct listen_keepalive {
    int on; /* -1: off; 0: not said */
    int idle_s, interval_s, count;
};

/* What a listen directive asks of its sockets. */
struct listen_options {
    struct address address;
    int backlog;                     /* -1: the default, 511 */
    bool deferred;                   /* TCP_DEFER_ACCEPT */
    bool ipv6_only;                  /* of an IPv6 address */
    int receive_buffer, send_buffer; /* 0: the system's */
    int fast_open; /* how many may wait whose request came with their SYN; 0: off */
    struct listen_keepalive keepalive;
};

/* An address and its sockets, one a loop. A path has one socket, which all loops share. */
struct listen_address {
    struct listen_options options;
    int *fds; /* `loops` of them */
    unsigned loops;
};

/* {0} is none. In the order of the options. */
struct listen_sockets {
    struct listen_address *addresses;
    size_t count;
};

/*
 * Opens what is not among the `kept` sockets, which may be NULL, and shares the others. Where
 * an address is in use it is tried again, five times in all and half a second apart.
 *
 * RC_IO  *out and the kept sockets are as before; the fault is nginx's text
 *
 */
enum rc listen_sockets_open(struct listen_sockets *out, const struct listen_options *options,
                            size_t count, unsigned loops, const struct listen_sockets *kept,
                            struct fault *why);

/*
 * Can they be bound? An address that is in use counts as one that can: another gate may have
 * it.
 */
enum rc listen_sockets_test(const struct listen_options *options, size_t count,
                            struct fault *why);

/*
 * Closes those that are not among the sockets of `others`, which may be NULL, and removes
 * their paths.
 */
void listen_sockets_close(struct listen_sockets *sockets, const struct listen_sockets *others);

/* The same in a child of the process that opened them, whose paths stay. */
void listen_sockets_leave(struct listen_sockets *sockets, const struct listen_sockets *others);

/* Of the address at `index`, the socket of one loop. */
void listen_sockets_close_one(struct listen_sockets *sockets, size_t index, unsigned loop);

#endif
