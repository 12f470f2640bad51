/* Which server a host name belongs to: exact, "*.x" by length, "x.*" by length, regex in file order. */
#ifndef GATE_ROUTE_SERVER_NAMES_H
#define GATE_ROUTE_SERVER_NAMES_H

#include "base/span.h"
#include "gate/route/location.h"

struct server;
struct server_names;

/* `host` in lower case, without port and final dot; empty where the request named none. NULL: none matches. */
const struct server *server_names_find(const struct server_names *names, struct span host,
                                       struct captures *captures);

#endif
