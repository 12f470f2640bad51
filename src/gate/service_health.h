/* Asks the servers of upstreams with a health_check, from one loop. */
#ifndef GATE_SERVICE_HEALTH_H
#define GATE_SERVICE_HEALTH_H

#include "gate/site.h"
#include "io/loop.h"

struct health_watch;

/* Begins with all of them at once. *out is NULL where no upstream has one. RC_MEMORY. */
enum rc health_watch_open(struct health_watch **out, struct loop *loop,
                          const struct site *site, struct fault *why);

/* No more questions, and no more answers. Harmless on NULL. */
void health_watch_close(struct health_watch *watch);

#endif
