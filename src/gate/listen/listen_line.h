/* "listen ADDRESS PARAMETER ..." of a server block. Opens nothing. */
#ifndef GATE_LISTEN_LISTEN_LINE_H
#define GATE_LISTEN_LISTEN_LINE_H

#include "gate/conf/directive.h"
#include "gate/listen/listen_sockets.h"
#include "io/address.h"

enum { LISTEN_ADDRESSES_MAX = 16 }; /* of one name */

struct listen_line {
    struct address addresses[LISTEN_ADDRESSES_MAX]; /* one, but for a name that has several */
    size_t count;
    bool tls, default_server, proxy_protocol;
    bool has_options; /* any of those below was said: they are the address's, and said once */
    bool reuse_port, deferred, ipv6_only;
    int backlog; /* -1: not said */
    int receive_buffer, send_buffer, fast_open;
    struct listen_keepalive keepalive;
};

/* The directive that is being read. */
enum rc listen_line_parse(struct conf *conf, struct listen_line *line);

/* What holds for a server without any: "*:80", or "*:8000" for an ordinary user. */
void listen_line_standard(struct listen_line *line);

#endif
