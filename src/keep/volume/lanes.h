/*
 * Who works on which bytes right now. A range that is taken for writing is nobody else's until
 * it is given back; one taken for reading is shared with other readers. Each holder has a lane
 * with room of its own, so that nothing is allocated while a request is served.
 */
#ifndef KEEP_VOLUME_LANES_H
#define KEEP_VOLUME_LANES_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

/*
 * A room stays in a processor's cache. Writes to the device below are no longer than it, so
 * that the system keeps them in small pieces: one of 1 MiB makes each later write of 4 KiB
 * into it several times dearer (ext4 of Linux 6.18).
 */
enum { LANES = 32, LANE_ROOM = 64 << 10 };

struct lane {
    uint8_t *room;  /* LANE_ROOM bytes, page-aligned */
    uint64_t first; /* byte */
    uint64_t end;   /* byte behind the last; 0 where the lane is free */
    bool writes;
};

struct lanes {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    struct lane lane[LANES];
    uint8_t *rooms; /* NULL: not open */
};

/* RC_MEMORY; `lanes` must be {0}. */
enum rc lanes_init(struct lanes *lanes, struct fault *why);

/* Waits until [first, end), which is not empty, is free. */
struct lane *lanes_take(struct lanes *lanes, uint64_t first, uint64_t end, bool writes);
void lanes_give(struct lanes *lanes, struct lane *lane);

/* Wipes the rooms; harmless on {0}. */
void lanes_clear(struct lanes *lanes);

#endif
