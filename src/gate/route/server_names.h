/* Which server a host name belongs to: exact, "*.x" by length, "x.*" by length, regex in file order. */
#ifndef GATE_ROUTE_SERVER_NAMES_H
#define GATE_ROUTE_SERVER_NAMES_H

#include "base/span.h"
#include "gate/route/location.h"

struct server;

/* Of one listener. */
struct server_names;

struct server_names *server_names_open(struct arena *arena);

/*
 * `name` in lower case: "x.y", "*.x.y", ".x.y" (both of these), "x.y.*", "" (requests without a name), and with a
 * regex whatever it was written as.
 *
 * RC_BUSY    another server has it: the first one keeps it
 * RC_FORMAT  a '*' in another place, or two dots in a row
 */
enum rc server_names_add(struct server_names *names, struct span name,
                         const struct regex *regex, const struct server *server,
                         struct arena *arena);

/*
 * `host` in lower case, without port and final dot; empty where the request named none. NULL: none matches.
 * *captures is written when a regex matched. Allocates nothing.
 */
const struct server *server_names_find(const struct server_names *names, struct span host,
                                       struct captures *captures);

#endif
