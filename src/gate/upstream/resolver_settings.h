/* "resolver": who is asked for the addresses of names while gate runs. */
#ifndef GATE_UPSTREAM_RESOLVER_SETTINGS_H
#define GATE_UPSTREAM_RESOLVER_SETTINGS_H

#include "gate/conf/directive.h"
#include "io/address.h"

struct resolver_settings {
    bool is_set; /* otherwise the system's servers are asked, where gate asks at all */
    const struct address *servers; /* of which each is asked in its turn */
    size_t servers_count;
    bool no_ipv4, no_ipv6;
    uint64_t valid_ms;   /* how long an answer holds; 0: as its TTL says */
    uint64_t timeout_ms; /* of one name */
};

/* The setter of "resolver": part + d->offset is a struct resolver_settings. */
enum rc resolver_settings_set(struct conf *conf, const struct directive *d, void *part);

/* Directives of http, server and location: parts are struct resolver_settings. */
extern const struct directive resolver_directives[];

#endif
