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

/*
 * Gives each the memory of what is known of its servers, that of `before` where one has the same name. For the process
 * that starts workers. RC_MEMORY.
 */
enum rc upstream_list_open(const struct upstreams *upstreams, const struct upstreams *before,
                           struct fault *why);

/* A worker begins, or ends: see balance_remember and balance_leave. */
void upstream_list_begin(const struct upstreams *upstreams, uint64_t now_ms);
void upstream_list_leave(const struct upstreams *upstreams, uint64_t now_ms);

/* What the arena does not hold. */
void upstream_list_close(const struct upstreams *upstreams);

#endif
