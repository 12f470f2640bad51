#include "io/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

enum { BATCH = 512 };

struct loop {
    int epoll;
    struct watch waker; /* the eventfd by which other threads call */
    atomic_bool stopping;
    uint64_t now_ms;
    struct timers *timers;
    struct task *tasks, **tasks_end;
    void (*wake)(void *of);
    void *wake_of;
    int fetched, next; /* of events: how many this turn has, and the first not yet looked at */
    struct epoll_event events[BATCH];
};

static void woken(struct watch *watch, unsigned what)
{
    struct loop *loop = LIST_OWNER(watch, struct loop, waker);
    uint64_t calls;

    (void)what;
    if (read(watch->fd, &calls, sizeof calls) == sizeof calls && loop->wake)
        loop->wake(loop->wake_of);
}

static enum rc open_parts(struct loop *loop, struct fault *why)
{
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->waker = (struct watch){eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), woken};
    if (loop->epoll < 0 || loop->waker.fd < 0)
        return fail_errno(why, RC_IO, "event loop");
    loop->now_ms = clock_ms();
    if (timers_open(&loop->timers, loop->now_ms) != RC_OK)
        return fail(why, RC_MEMORY, "no memory for timers");
    return loop_add_level(loop, &loop->waker, why);
}

enum rc loop_open(struct loop **out, struct fault *why)
{
    struct loop *loop = calloc(1, sizeof *loop);
    enum rc rc;

    if (!loop)
        return fail(why, RC_MEMORY, "no memory for an event loop");
    loop->epoll = loop->waker.fd = -1;
    loop->tasks_end = &loop->tasks;
    if ((rc = open_parts(loop, why)) != RC_OK)
        loop_close(loop);
    else
        *out = loop;
    return rc;
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

void loop_close(struct loop *loop)
{
    if (!loop)
        return;
    close_if_open(loop->epoll);
    close_if_open(loop->waker.fd);
    timers_close(loop->timers);
    free(loop);
}

static enum rc add(struct loop *loop, struct watch *watch, uint32_t events, struct fault *why)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};

    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, watch->fd, &event) != 0)
        return fail_errno(why, RC_IO, "epoll_ctl");
    return RC_OK;
}

enum rc loop_add(struct loop *loop, struct watch *watch, struct fault *why)
{
    return add(loop, watch, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, why);
}

enum rc loop_add_level(struct loop *loop, struct watch *watch, struct fault *why)
{
    return add(loop, watch, EPOLLIN, why);
}

void loop_forget(struct loop *loop, struct watch *watch)
{
    for (int i = loop->next; i < loop->fetched; i++)
        if (loop->events[i].data.ptr == watch)
            loop->events[i].data.ptr = NULL;
}

void loop_withdraw(struct loop *loop, int fd)
{
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
}

bool loop_has_news(const struct loop *loop, const struct watch *watch)
{
    for (int i = loop->next; i < loop->fetched; i++)
        if (loop->events[i].data.ptr == watch)
            return true;
    return false;
}

void loop_remove(struct loop *loop, struct watch *watch)
{
    loop_forget(loop, watch);
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
}

void loop_defer(struct loop *loop, struct task *task)
{
    if (task->queued)
        return;
    task->queued = true;
    task->next = NULL;
    *loop->tasks_end = task;
    loop->tasks_end = &task->next;
}

void loop_cancel(struct loop *loop, struct task *task)
{
    struct task **at = &loop->tasks;

    if (!task->queued)
        return;
    while (*at != task)
        at = &(*at)->next;
    *at = task->next;
    if (!*at)
        loop->tasks_end = at;
    task->queued = false;
}

/* Those that were queued when it began: the last of them is the end. */
static void run_tasks(struct loop *loop)
{
    struct task end = {.queued = false};

    if (!loop->tasks)
        return;
    loop_defer(loop, &end);
    while (loop->tasks != &end) {
        struct task *task = loop->tasks;

        loop_cancel(loop, task);
        task->run(task);
    }
    loop_cancel(loop, &end);
}

static unsigned what_of(uint32_t events)
{
    bool over = events & (EPOLLHUP | EPOLLERR);

    return (events & (EPOLLIN | EPOLLRDHUP) || over ? LOOP_READ : 0u) |
           (events & EPOLLOUT || over ? LOOP_WRITE : 0u) |
           (events & EPOLLRDHUP || over ? LOOP_HANGUP : 0u);
}

static void dispatch(struct loop *loop)
{
    for (loop->next = 0; loop->next < loop->fetched;) {
        const struct epoll_event *event = &loop->events[loop->next++];
        struct watch *watch = event->data.ptr;

        if (watch)
            watch->ready(watch, what_of(event->events));
    }
}

static void turn(struct loop *loop)
{
    int wait_ms = loop->tasks ? 0 : timers_wait_ms(loop->timers, loop->now_ms);
    int fetched = epoll_wait(loop->epoll, loop->events, BATCH, wait_ms);

    loop->fetched = fetched > 0 ? fetched : 0; /* only a signal makes it fail */
    loop->now_ms = clock_ms();
    timers_set_now(loop->timers, loop->now_ms);
    dispatch(loop);
    loop->fetched = loop->next = 0;
    run_tasks(loop);
    timers_run(loop->timers, loop->now_ms);
}

void loop_run(struct loop *loop)
{
    while (!atomic_load_explicit(&loop->stopping, memory_order_relaxed))
        turn(loop);
    atomic_store(&loop->stopping, false);
}

void loop_wake(struct loop *loop)
{
    int kept = errno; /* a signal handler may not change it */
    ssize_t sent = write(loop->waker.fd, &(uint64_t){1}, sizeof(uint64_t));

    (void)sent; /* full: the loop has enough to wake it */
    errno = kept;
}

void loop_stop(struct loop *loop)
{
    atomic_store(&loop->stopping, true);
    loop_wake(loop);
}

void loop_on_wake(struct loop *loop, void (*wake)(void *of), void *of)
{
    loop->wake = wake;
    loop->wake_of = of;
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return loop->now_ms;
}

struct timers *loop_timers(struct loop *loop)
{
    return loop->timers;
}
