/* Blocks of addresses: "192.0.2.0/24", "2001:db8::/32", or one address (RFC 4632, RFC 4291 section 2.3). */
#ifndef GATE_ACCESS_CIDR_H
#define GATE_ACCESS_CIDR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/span.h"
#include "io/address.h"

/* An address as bytes in the order of the network: 4 or 16 of them. */
struct cidr_address {
    uint8_t bytes[16];
    uint8_t bits; /* 32 or 128; 0: none (a unix socket's) */
};

struct cidr {
    struct cidr_address
        first;      /* the block's first address: all bits behind the prefix are 0 */
    uint8_t prefix; /* bits that all addresses of the block share */
};

/*
 * RC_FORMAT  neither an address nor a block. *loose: bits behind the prefix were set in the text (and are
 * cleared): nginx warns of them.
 */
enum rc cidr_parse(struct span text, struct cidr *cidr, bool *loose);

/* IPv4 mapped into IPv6 (::ffff:192.0.2.1) counts as IPv4. */
struct cidr_address cidr_address_of(const struct address *address);

/* One address as text, without a prefix; the same of a mapped one. RC_FORMAT */
enum rc cidr_parse_address(struct span text, struct cidr_address *address);

/* False also where one is IPv4 and the other is not. */
bool cidr_has(const struct cidr *cidr, const struct cidr_address *address);

#endif
