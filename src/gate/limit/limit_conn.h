/* How many requests of a key may be in work at once. */
#ifndef GATE_LIMIT_LIMIT_CONN_H
#define GATE_LIMIT_LIMIT_CONN_H

#include "gate/zone/zone.h"

/* RC_OK: counted, until limit_conn_leave. RC_LIMIT: `most` are there. RC_MEMORY: no room for one more key. */
enum rc limit_conn_enter(struct zone *zone, struct span key, uint32_t most);
void limit_conn_leave(struct zone *zone, struct span key);

/* None is in work any more: of a worker that ended before it could say so. */
void limit_conn_forget(struct zone *zone);

#endif
