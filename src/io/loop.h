/*
 * One thread's event loop, on epoll. Watches are edge-triggered and registered once, for
 * reading and writing alike, so that a busy connection never calls epoll_ctl again: read or
 * write until RC_AGAIN or a short count, then wait for the next call of `ready`.
 *
 * A turn: wait for events, read the clock, call `ready` of each watch, then the tasks, then
 * the timers.
 */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "io/timer.h"

struct loop;

enum {
    LOOP_READ = 1,  /* bytes, an end, or an error wait to be read */
    LOOP_WRITE = 2, /* there is room again, or an error waits to be met */
    LOOP_HANGUP = 4 /* the other side will send no more (RDHUP), or all is over (HUP, ERR) */
};

/* Embedded in its owner. */
struct watch {
    int fd;
    void (*ready)(struct watch *watch, unsigned what);
};

/* Something to do at the end of the turn, once; embedded in its owner. */
struct task {
    struct task *next;
    void (*run)(struct task *task);
    bool queued;
};

enum rc loop_open(struct loop **out, struct fault *why);

/* Harmless on NULL. Watches, timers and tasks that are left are simply forgotten. */
void loop_close(struct loop *loop);

/* `watch` must stay where it is until it is removed; its fd must be non-blocking. */
enum rc loop_add(struct loop *loop, struct watch *watch, struct fault *why);

/* The same, called back only while bytes wait (level-triggered): listening sockets, pipes. */
enum rc loop_add_level(struct loop *loop, struct watch *watch, struct fault *why);

/*
 * After it `ready` is never called again, also not for events of this turn that were already
 * fetched. Call it before the fd is closed.
 */
void loop_remove(struct loop *loop, struct watch *watch);

/*
 * Another thread takes the fd away from the loop: events that were fetched already may still come, and `watch` must
 * stay until the loop's own thread has called loop_forget.
 */
void loop_withdraw(struct loop *loop, int fd);

/* The same for an fd that the caller closes next and that has no duplicate: the kernel is not
 * asked twice. */
void loop_forget(struct loop *loop, struct watch *watch);

/* Has this turn an event for it that `ready` has not been told yet? */
bool loop_has_news(const struct loop *loop, const struct watch *watch);

/*
 * Runs `task->run` after the events of this turn; harmless when it is queued already. A task
 * that is queued by a task runs in the next turn, which then does not wait.
 */
void loop_defer(struct loop *loop, struct task *task);

/* After it the task does not run; harmless when it is not queued. O(tasks queued). */
void loop_cancel(struct loop *loop, struct task *task);

/* Runs until loop_stop, and then returns. */
void loop_run(struct loop *loop);

/* May be called from another thread or a signal handler. */
void loop_stop(struct loop *loop);

/* Another thread asks for `wake` to be called in the loop's own thread, soon. Calls may
 * coalesce. */
void loop_wake(struct loop *loop);
void loop_on_wake(struct loop *loop, void (*wake)(void *of), void *of);

/* Monotonic milliseconds, read once a turn. */
uint64_t loop_now_ms(const struct loop *loop);

/* The loop's timers: see timer.h. */
struct timers *loop_timers(struct loop *loop);

#endif
