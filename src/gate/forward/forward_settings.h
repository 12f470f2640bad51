/* The way out: "tunnel_pass" (CONNECT), "forward on" (absolute targets), and where they may lead. */
#ifndef GATE_FORWARD_FORWARD_SETTINGS_H
#define GATE_FORWARD_FORWARD_SETTINGS_H

#include "gate/conf/directive.h"
#include "gate/forward/destination.h"

struct forward_settings {
    bool on;                /* requests with an absolute target go there */
    bool tunnels;           /* CONNECT does */
    struct template tunnel; /* where to, instead of what CONNECT says; empty: there */
    uint64_t connect_timeout_ms, read_timeout_ms;
    bool binds; /* connections come from the address that `bind` makes */
    struct template bind;
    bool socket_keepalive;
    uint64_t socket_rcvbuf, socket_sndbuf; /* 0: the system's */
    unsigned next; /* after which failures another address is tried: enum proxy_next */
    uint64_t next_tries,
        next_timeout_ms; /* 0: as many as there are, within gate's own limit; any */
    bool open;           /* what no rule fits is allowed: called as nginx */
    const struct destination_rule *rules;
    size_t rules_count;
};

/* Their directives: parts are struct forward_settings. */
extern const struct directive forward_directives[];

#endif
