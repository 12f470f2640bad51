/* Where a redirect leads: the value of Location. */
#ifndef GATE_RESPOND_REDIRECT_H
#define GATE_RESPOND_REDIRECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"

/* Of the request that is answered. */
struct redirect_base {
    bool absolute; /* absolute_redirect */
    bool tls;
    struct span host; /* $host, or with server_name_in_redirect the server's name; empty: its
                         address */
    uint16_t port;    /* of the listener; 0 with port_in_redirect off */
};

/*
 * `to` as it is, but one that begins with '/' gets "http://host:port" before it (the port
 * where it is not the scheme's own) when the base says absolute. Too small a buffer leaves
 * out->full set: redirect_size is enough. Control bytes, which a variable may hold, are
 * escaped: what follows one cannot become a field of its own.
 */
void redirect_write(const struct redirect_base *base, struct span to, struct buffer *out);
size_t redirect_size(const struct redirect_base *base, struct span to);

/* path (escaped for the wire) + '/', and '?' + args where there are any: the way into a directory. */
void redirect_add_slash(struct span path, struct span args, struct buffer *out);

#endif
