/* Waiting for a server that may take one more request: "queue" of an upstream block. */
#include "gate/request_proxy.h"

enum {
    LOOK_MS = 100
}; /* how often those that wait look again: a server may have come back without a word */

/* From any thread. */
static void wake(struct balance_waiter *waiter)
{
    struct request *r = LIST_OWNER(waiter, struct request, waiter);

    service_wake_request(r->service, r);
}

static void on_time(struct timer *timer)
{
    struct request *r = LIST_OWNER(timer, struct request, pause);

    request_run(r);
}

void request_leave_queue(struct request *r, bool in_vain)
{
    if (!r->queued)
        return;
    balance_unwait(r->peers, &r->waiter, in_vain);
    service_forget_woken(r->service, r);
    timer_clear(&r->pause);
    r->queued = false;
}

enum rc request_queue(struct request *r)
{
    const struct upstream_settings *upstream = r->target.upstream;
    const bool is_early = r->peers->resolving; /* its names have not been found yet */
    const uint64_t timeout_ms =
        is_early ? upstream->resolver.timeout_ms : upstream->queue_timeout_ms;

    if (is_abandoned(r))
        return request_abandon(r);
    if (!r->queued)
        r->queued_ms = now_ms(r);
    if ((upstream->queue == 0 && !is_early) || now_ms(r) - r->queued_ms >= timeout_ms) {
        request_leave_queue(r, true);
        return RC_LIMIT;
    }
    r->waiter.wake = wake;
    if (!balance_wait(r->peers, &r->waiter, r->queued))
        return RC_LIMIT;
    r->queued = true;
    r->pause.fire = on_time;
    timer_set(loop_timers(r->service->loop), &r->pause, LOOK_MS);
    request_wait(r, 0, 0);
    return RC_AGAIN;
}
