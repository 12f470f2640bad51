/* Keeps the addresses of servers that are found by name up to date, from one loop; and resolvers for all others. */
#ifndef GATE_SERVICE_RESOLVE_H
#define GATE_SERVICE_RESOLVE_H

#include "gate/site.h"
#include "io/ares/resolver.h"

struct resolvers; /* of one loop */

/* `keeps`: the names of the site's upstreams are this loop's to keep. RC_MEMORY. */
enum rc resolvers_open(struct resolvers **out, struct loop *loop, const struct site *site,
                       bool keeps, struct fault *why);

/* Queries of others must be cancelled before. Harmless on NULL. */
void resolvers_close(struct resolvers *resolvers);

/* The one that asks as the settings say; NULL, with a reason, where there is none. */
struct resolver *resolvers_find(struct resolvers *resolvers,
                                const struct resolver_settings *settings, struct fault *why);

#endif
