/*
 * Tables in memory that all loops share, and the workers before and after a reload: for each key a few
 * numbers. What was used least lately goes first when there is no room. Knows no request.
 */
#ifndef GATE_ZONE_ZONE_H
#define GATE_ZONE_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/span.h"

enum { ZONE_KEY = 48, ZONE_KEY_TEXT_MAX = ZONE_KEY - 1 };

/* What is kept of a key. */
struct zone_entry {
    uint64_t number;  /* the user's */
    uint64_t used_ms; /* likewise; clock_ms() is the same for all processes */
    uint32_t count;   /* likewise; one that is not 0 is never evicted */
};

struct zone; /* reference-counted in the process that reads configurations */

/* For zones of at least 8 pages. RC_MEMORY. */
enum rc zone_open(struct zone **out, uint64_t size, struct fault *why);
struct zone *zone_hold(struct zone *zone);
void zone_release(struct zone *zone); /* harmless on NULL */

/* From here to zone_unlock the zone is this thread's alone. Where its last owner was killed, it is emptied. */
void zone_lock(struct zone *zone);
void zone_unlock(struct zone *zone);

/*
 * The entry of that key, which becomes the one used last; NULL: there is none. Keys beyond ZONE_KEY_TEXT_MAX
 * bytes are the caller's to shorten. The pointer lasts until zone_unlock.
 */
struct zone_entry *zone_find(struct zone *zone, struct span key);

/* A new one, {0}; the key must have none. NULL: all that are there are in use (count > 0). */
struct zone_entry *zone_add(struct zone *zone, struct span key);

/* The oldest entry; NULL when there is none. */
struct zone_entry *zone_oldest(struct zone *zone);

void zone_remove(struct zone *zone, struct zone_entry *entry);

/* How many it has, and has room for; in memory, without the lock. */
uint32_t zone_count(const struct zone *zone);
uint32_t zone_capacity(const struct zone *zone);

#endif
