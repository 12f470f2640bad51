/* The sessions that "sticky learn" knows: for each its server. */
#ifndef GATE_STICKY_SESSION_H
#define GATE_STICKY_SESSION_H

#include "gate/zone/zone.h"

/* 0: none, or one that was not asked for within the timeout. Its time begins anew. */
uint64_t session_find(struct zone *zone, struct span key, uint64_t timeout_ms,
                      uint64_t now_ms);

/* A session is with this server from now on. Where the zone is full of it, the oldest is forgotten. */
void session_add(struct zone *zone, struct span key, uint64_t server, uint64_t now_ms);

#endif
