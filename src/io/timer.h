/*
 * Many timers that are set and cleared far more often than they fire: a hierarchical wheel,
 * O(1) to set and clear, a resolution of one millisecond; they never fire early.
 */
#ifndef IO_TIMER_H
#define IO_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/rc.h"

struct timers;

/* Embedded in its owner; {.fire = f} is a timer that is not set. 32 bytes. */
struct timer {
    struct list link;
    uint64_t at_ms;
    void (*fire)(struct timer *timer);
};

enum rc timers_open(struct timers **out, uint64_t now_ms);
void timers_close(struct timers *timers);

/* Tells what time it is, and fires nothing: timer_set counts from here. Never goes back. */
void timers_set_now(struct timers *timers, uint64_t now_ms);

/*
 * Sets it, or moves it, to fire `in_ms` from now (what timers_set_now or timers_run said
 * last), at the earliest one millisecond from now.
 */
void timer_set(struct timers *timers, struct timer *timer, uint64_t in_ms);

/* After it the timer does not fire; harmless where it is not set. */
void timer_clear(struct timer *timer);

static inline bool timer_is_set(const struct timer *timer)
{
    return !list_is_empty(&timer->link);
}

/* Fires what is due at `now_ms`, the earliest first. */
void timers_run(struct timers *timers, uint64_t now_ms);

/* Milliseconds until timers_run has something to do; -1 for never. May be too early, never too
 * late. */
int timers_wait_ms(struct timers *timers, uint64_t now_ms);

#endif
