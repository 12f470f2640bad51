/* Where a socket is: IPv4, IPv6 or a path. */
#ifndef IO_ADDRESS_H
#define IO_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fault.h"
#include "base/span.h"

struct address {
    socklen_t len;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un path;
    };
};

enum { ADDRESS_TEXT = 128 };

/*
 * "127.0.0.1:80", "[::1]:80", "unix:/run/s" (no names are looked up; the port is 1 .. 65535).
 * RC_FORMAT otherwise, RC_LIMIT for a path too long for a socket.
 */
enum rc address_parse(struct span text, struct address *address);

/* "127.0.0.1", "::1" or "[::1]" and a port, which may be 0. RC_FORMAT otherwise. */
enum rc address_from_literal(struct span host, uint16_t port, struct address *address);

/*
 * A host name or literal ("[::1]" too) and a port, by the system's resolver; blocks. Up to
 * `max` addresses, none twice; *count of them are filled. RC_NOT_FOUND, with the resolver's
 * reason.
 */
enum rc address_look_up(const char *host, uint16_t port, struct address *into, size_t max,
                        size_t *count, struct fault *why);

/* As nginx shows it: "127.0.0.1:80", "[::1]:80", "unix:/run/s"; without_port: "127.0.0.1",
 * "::1", "unix:". */
struct span address_text(const struct address *address, char text[ADDRESS_TEXT],
                         bool without_port);

/* 0 for a path. */
uint16_t address_port(const struct address *address);
bool address_equal(const struct address *a, const struct address *b);

#endif
