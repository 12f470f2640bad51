#include "gate/service_health.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/log.h"
#include "gate/balance/balance.h"
#include "gate/health/probe.h"
#include "gate/upstream/server_place.h"

/* One server of one upstream. */
struct watched {
    struct probe probe;
    struct timer timer;
    struct loop *loop;
    const struct upstream_settings *upstream;
    size_t peer;
    struct probe_target target;
    struct address asked; /* whom it was about; len 0: nobody yet */
    uint64_t due_ms;      /* when it is asked again */
    uint64_t streak;      /* answers in a row that were like the last one */
    bool was_well;
};

enum {
    LOOK_MS = 1000, /* how often a slot is looked at, whether it has another address */
    EARLY_MS = 50,  /* the same before the first one was found */
};

struct health_watch {
    size_t count;
    struct watched all[];
};

/* Up to jitter more, so that many gates do not ask in step. */
static uint64_t pause_ms(const struct health_check *check)
{
    uint32_t chance = 0;

    if (check->jitter_ms == 0 || getrandom(&chance, sizeof chance, 0) != sizeof chance)
        return check->interval_ms;
    return check->interval_ms + chance % (check->jitter_ms + 1);
}

/* The next look: when it is time to ask, or whether there is another server in the slot. */
static void wait(struct watched *w)
{
    uint64_t now = loop_now_ms(w->loop), ms = w->due_ms > now ? w->due_ms - now : 1;
    uint64_t most = w->upstream->peers->resolving ? EARLY_MS : LOOK_MS;

    timer_set(loop_timers(w->loop), &w->timer,
              w->upstream->lookups_count > 0 && ms > most ? most : ms);
}

/* Where the server is now; NULL: nowhere. */
static const struct address *address_of(const struct watched *w)
{
    const struct address *address = server_place_address(&w->upstream->addresses[w->peer]);

    return address->len == 0 || w->upstream->peers->all[w->peer].absent ? NULL : address;
}

static bool is_about(const struct watched *w, const struct address *address)
{
    return address && w->asked.len > 0 && address_equal(&w->asked, address);
}

static void tell(const struct watched *w, bool is_well, const struct fault *why)
{
    struct span server = server_place_name(&w->upstream->addresses[w->peer]),
                name = w->upstream->name;

    if (is_well)
        log_line(LOG_LEVEL_NOTICE, "upstream \"%.*s\": server %.*s is healthy again",
                 SPAN_ARG(name), SPAN_ARG(server));
    else
        log_line(LOG_LEVEL_WARN, "upstream \"%.*s\": server %.*s is unhealthy: %s",
                 SPAN_ARG(name), SPAN_ARG(server), why->text);
}

static void on_answer(struct probe *probe, enum rc rc, const struct fault *why)
{
    struct watched *w = LIST_OWNER(probe, struct watched, probe);
    const struct health_check *check = w->upstream->health;
    bool is_well = rc == RC_OK;

    w->due_ms = loop_now_ms(w->loop) + pause_ms(check);
    if (!is_about(w, address_of(w))) {
        wait(w); /* it was another server's answer */
        return;
    }
    if (rc == RC_MEMORY) { /* of which the server knows nothing */
        log_line(LOG_LEVEL_ERROR, "upstream \"%.*s\": a health check was left out: %s",
                 SPAN_ARG(w->upstream->name), why->text);
        wait(w);
        return;
    }
    balance_count_check(w->upstream->peers, w->peer, is_well, loop_now_ms(w->loop));
    w->streak = w->was_well == is_well ? w->streak + 1 : 1;
    w->was_well = is_well;
    if (w->streak >= (is_well ? check->passes : check->fails) &&
        balance_set_health(w->upstream->peers, w->peer, is_well,
                           is_well ? "its health check has passed" : why->text,
                           loop_now_ms(w->loop)))
        tell(w, is_well, why);
    wait(w);
}

static void set_port(struct address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET)
        address->v4.sin_port = htons(port);
    else if (address->any.sa_family == AF_INET6)
        address->v6.sin6_port = htons(port);
}

static void on_time(struct timer *timer)
{
    struct watched *w = LIST_OWNER(timer, struct watched, timer);
    const struct health_check *check = w->upstream->health;
    const struct address *address = address_of(w);
    bool is_same = is_about(w, address);

    if (!address || (is_same && loop_now_ms(w->loop) < w->due_ms &&
                     !w->upstream->peers->all[w->peer].unchecked)) {
        if (!address)
            w->due_ms = loop_now_ms(w->loop) + LOOK_MS;
        wait(w);
        return;
    }
    if (!is_same)
        w->streak = 0;
    w->asked = w->target.address = *address;
    if (check->port > 0)
        set_port(&w->target.address, check->port);
    probe_begin(&w->probe, w->loop, &w->target, on_answer);
}

static void begin(struct watched *w, struct loop *loop,
                  const struct upstream_settings *upstream, size_t peer)
{
    *w = (struct watched){.timer = {.fire = on_time},
                          .loop = loop,
                          .upstream = upstream,
                          .peer = peer,
                          .target = {.check = upstream->health,
                                     .host = upstream->health_host,
                                     .tls = upstream->health_tls,
                                     .tls_name = upstream->health_tls_name}};
    timer_set(loop_timers(loop), &w->timer, 1);
}

enum rc health_watch_open(struct health_watch **out, struct loop *loop,
                          const struct site *site, struct fault *why)
{
    struct health_watch *watch;
    size_t count = 0;

    for (size_t i = 0; i < site->upstreams_count; i++)
        if (site->upstreams[i]->health)
            count += site->upstreams[i]->count;
    if (count == 0)
        return RC_OK;
    if (!(watch = calloc(1, sizeof *watch + count * sizeof *watch->all)))
        return fail(why, RC_MEMORY, "no memory for health checks");
    for (size_t i = 0; i < site->upstreams_count; i++) {
        const struct upstream_settings *upstream = site->upstreams[i];

        for (size_t p = 0; upstream->health && p < upstream->count; p++)
            if (!upstream->addresses[p].down)
                begin(&watch->all[watch->count++], loop, upstream, p);
    }
    *out = watch;
    return RC_OK;
}

void health_watch_close(struct health_watch *watch)
{
    if (!watch)
        return;
    for (size_t i = 0; i < watch->count; i++) {
        probe_cancel(&watch->all[i].probe);
        timer_clear(&watch->all[i].timer);
    }
    free(watch);
}
