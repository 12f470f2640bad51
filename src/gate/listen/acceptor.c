#include "gate/listen/acceptor.h"

#include <errno.h>

#include "base/log.h"
#include "io/socket.h"

enum {
    BATCH =
        16, /* connections taken in one turn, so that those who wait are not kept waiting */
    QUEUE = 511,    /* connections taken at the end: the usual length of the kernel's queue */
    PAUSE_MS = 500, /* when there is no room, or no descriptor */
};

/* Connections wait in the kernel's queue meanwhile. */
static void rest(struct acceptor *acceptor)
{
    loop_remove(acceptor->loop, &acceptor->watch);
    timer_set(loop_timers(acceptor->loop), &acceptor->pause, PAUSE_MS);
}

static void resume(struct timer *timer)
{
    struct acceptor *acceptor = LIST_OWNER(timer, struct acceptor, pause);
    struct fault why = {0};

    if (loop_add_level(acceptor->loop, &acceptor->watch, &why) == RC_OK)
        return;
    log_line(LOG_LEVEL_ALERT, "%s", why.text);
    timer_set(loop_timers(acceptor->loop), timer, PAUSE_MS);
}

/* What accept4(2) refuses for reasons of the connection alone is the client's affair. */
static void refused(struct acceptor *acceptor)
{
    if (socket_is_short(errno)) {
        log_line(LOG_LEVEL_CRIT, "accept4() failed (%d: %s)", errno, strerrordesc_np(errno));
        rest(acceptor);
    } else if (errno != EAGAIN && errno != EINTR) {
        log_line(LOG_LEVEL_INFO, "accept4() failed (%d: %s)", errno, strerrordesc_np(errno));
    }
}

/* False when there is nothing more to take now. */
static bool take(struct acceptor *acceptor)
{
    struct address from = {.len = sizeof from - offsetof(struct address, any)};
    int fd;

    if (!acceptor->has_room(acceptor)) {
        log_line(LOG_LEVEL_ALERT, "worker_connections are not enough");
        rest(acceptor);
        return false;
    }
    fd = accept4(acceptor->watch.fd, &from.any, &from.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        refused(acceptor);
        return false;
    }
    acceptor->accepted(acceptor, fd, &from);
    return true;
}

static void on_ready(struct watch *watch, unsigned what)
{
    struct acceptor *acceptor = LIST_OWNER(watch, struct acceptor, watch);

    (void)what;
    for (int i = 0; i < BATCH && take(acceptor); i++)
        ;
}

void acceptor_drain(struct acceptor *acceptor)
{
    for (int i = 0; i < QUEUE && !timer_is_set(&acceptor->pause) && take(acceptor); i++)
        ;
}

enum rc acceptor_begin(struct acceptor *acceptor, struct loop *loop, int fd, struct fault *why)
{
    acceptor->watch = (struct watch){fd, on_ready};
    acceptor->pause = (struct timer){.fire = resume};
    acceptor->loop = loop;
    return loop_add_level(loop, &acceptor->watch, why);
}

void acceptor_end(struct acceptor *acceptor)
{
    if (!acceptor->loop)
        return;
    if (timer_is_set(&acceptor->pause))
        timer_clear(&acceptor->pause);
    else
        loop_remove(acceptor->loop, &acceptor->watch);
    acceptor->loop = NULL;
}
