/*
 * Where requests may go on the way out: rules by host, port and address, the first that fits. The address is the
 * one that is connected to, after the name was looked up, so that no name leads where its address may not.
 */
#ifndef GATE_FORWARD_DESTINATION_H
#define GATE_FORWARD_DESTINATION_H

#include "gate/access/cidr.h"
#include "gate/conf/regex.h"

/* One rule: all that it says must hold. */
struct destination_rule {
    bool deny;
    struct span host;          /* exactly, in any case of letters; empty: any */
    struct span suffix;        /* ".example.com": that and what is below it; empty: any */
    const struct regex *regex; /* of the host; NULL: any */
    uint16_t port, last_port;  /* from the first to the last; 0: any */
    bool has_block;
    struct cidr block;
    bool is_private; /* an address that destination_is_private names */
};

struct destination {
    struct span host; /* as the client wrote it, without brackets and port */
    uint16_t port;
    struct address address;
};

/*
 * Loopback, private, link-local (the metadata services of clouds are there), carrier's, multicast, unspecified and
 * reserved addresses, of both families, mapped and translated ones included.
 */
bool destination_is_private(const struct address *address);

/* `open`: what no rule fits is allowed; otherwise public addresses are, at ports 80 and 443. */
bool destination_is_allowed(const struct destination_rule *rules, size_t count, bool open,
                            const struct destination *to);

#endif
