/* All upstreams of a site, while its configuration is read. */
#ifndef GATE_UPSTREAM_UPSTREAM_LIST_H
#define GATE_UPSTREAM_UPSTREAM_LIST_H

#include "gate/upstream/proxy_settings.h"

/* A new one at the end of the list, with what holds where nothing is said. NULL: no memory. */
struct upstream_settings *upstream_list_add(struct conf *conf, struct upstreams *upstreams,
                                            struct span name);

/* By name, in any case of letters; those of blocks only, or those of proxy_pass only. */
struct upstream_settings *upstream_list_find(const struct upstreams *upstreams,
                                             struct span name, bool implicit);

/* When all are read: gives each its peers, and the resolver that holds around it. RC_MEMORY. */
enum rc upstream_list_finish(const struct upstreams *upstreams,
                             const struct resolver_settings *resolver, struct arena *arena,
                             struct fault *why);

/* What the arena does not hold. */
void upstream_list_close(const struct upstreams *upstreams);

#endif
