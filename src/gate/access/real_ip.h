/* Whom a request really comes from: the address that proxies which are trusted hand on. Knows no request. */
#ifndef GATE_ACCESS_REAL_IP_H
#define GATE_ACCESS_REAL_IP_H

#include "gate/access/cidr.h"

/* Who is trusted. */
struct real_ip_trust {
    const struct cidr *blocks;
    size_t count;
    bool unix_sockets;
};

bool real_ip_trusts(const struct real_ip_trust *trust, const struct address *address);

/*
 * Goes from the end of a list ("203.0.113.1, 192.0.2.7:4711") to its beginning: *address becomes its last member;
 * with `recursive`, the last one that is not trusted. False: *address is not of a trusted one, or the member is no
 * address, and it stays as it is.
 */
bool real_ip_find(const struct real_ip_trust *trust, struct span list, bool recursive,
                  struct address *address);

#endif
