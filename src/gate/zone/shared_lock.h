/* A lock in memory that several processes share, any of which may be killed while it holds it. */
#ifndef GATE_ZONE_SHARED_LOCK_H
#define GATE_ZONE_SHARED_LOCK_H

#include <pthread.h>
#include <stdbool.h>

/* Each is let go with pthread_mutex_unlock. */
void shared_lock_open(pthread_mutex_t *lock);

/* Waits for it. True: its last owner was killed, and what it guards may be half written. */
bool shared_lock_take(pthread_mutex_t *lock);

#endif
