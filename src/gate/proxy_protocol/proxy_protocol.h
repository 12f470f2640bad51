/*
 * The PROXY protocol, versions 1 and 2: what a proxy in front of another says, before anything else, of whose
 * connection it is. Source: haproxy.org, doc/proxy-protocol.txt.
 */
#ifndef GATE_PROXY_PROTOCOL_PROXY_PROTOCOL_H
#define GATE_PROXY_PROTOCOL_PROXY_PROTOCOL_H

#include "base/buffer.h"
#include "base/fault.h"
#include "io/address.h"

enum {
    PROXY_PROTOCOL_MAX = 4096,   /* bytes of a header that is taken */
    PROXY_PROTOCOL_WRITTEN = 108 /* the most that one of ours has */
};

/* Addresses of len 0: it does not say (UNKNOWN, LOCAL, a family that has none). */
struct proxy_protocol {
    struct address from, to;
    struct span
        more; /* of version 2, behind the addresses: for proxy_protocol_find. A view into what was parsed */
};

/*
 * RC_OK      *used bytes were the header
 * RC_AGAIN   it is not complete
 * RC_FORMAT  this is none; RC_LIMIT: longer than PROXY_PROTOCOL_MAX
 */
enum rc proxy_protocol_parse(struct span in, struct proxy_protocol *said, size_t *used);

/*
 * What stands in `more` under a name of nginx's ("alpn", "authority", "unique_id", "netns", "ssl_version", "ssl_cn",
 * "ssl_cipher", "ssl_sig_alg", "ssl_key_alg", "ssl_verify": four bytes, the highest first) or a number ("0xea").
 */
bool proxy_protocol_find(struct span more, struct span name, struct span *value);

/* Version 1 or 2 of the same; where the families differ, or are none of IP: UNKNOWN, LOCAL. */
void proxy_protocol_write(int version, const struct proxy_protocol *said, struct buffer *out);

#endif
