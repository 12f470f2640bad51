#include "gate/service_resolve.h"

#include <stdlib.h>

#include "base/log.h"
#include "gate/balance/balance.h"
#include "gate/upstream/server_place.h"

enum {
    AGAIN_MS = 1000,     /* when a name that could not be found is asked for again */
    HOLDS_MIN_MS = 1000, /* a TTL of 0 does not mean always */
    HOLDS_MAX_MS = 3600 * 1000,
};

struct opened {
    struct opened *next;
    const struct resolver_settings *settings;
    struct resolver *resolver;
};

/* One name of one upstream. */
struct kept {
    struct resolver_query query;
    struct timer timer;
    struct resolvers *resolvers;
    struct upstream_settings *upstream;
    const struct server_lookup *lookup;
    bool found, complained;
};

struct resolvers {
    struct loop *loop;
    struct opened *opened;
    size_t count;
    struct kept all[];
};

static bool are_alike(const struct resolver_settings *a, const struct resolver_settings *b)
{
    return a->servers == b->servers && a->servers_count == b->servers_count &&
           a->no_ipv4 == b->no_ipv4 && a->no_ipv6 == b->no_ipv6 &&
           a->timeout_ms == b->timeout_ms;
}

struct resolver *resolvers_find(struct resolvers *resolvers,
                                const struct resolver_settings *settings, struct fault *why)
{
    const struct resolver_options options = {.servers = settings->servers,
                                             .servers_count = settings->servers_count,
                                             .no_ipv4 = settings->no_ipv4,
                                             .no_ipv6 = settings->no_ipv6,
                                             .timeout_ms = settings->timeout_ms};
    struct opened *opened;

    for (opened = resolvers->opened; opened; opened = opened->next)
        if (are_alike(opened->settings, settings))
            return opened->resolver;
    if (!(opened = calloc(1, sizeof *opened))) {
        (void)fail(why, RC_MEMORY, "no memory for a resolver");
        return NULL;
    }
    if (resolver_open(&opened->resolver, resolvers->loop, &options, why) != RC_OK) {
        free(opened);
        return NULL;
    }
    opened->settings = settings;
    opened->next = resolvers->opened;
    resolvers->opened = opened;
    return opened->resolver;
}

/* The best servers of a service have the lowest priority; the others are backups, where the method has any. */
static size_t take_servers(const struct kept *kept, const struct resolver_answer *answer,
                           struct server_found *found)
{
    const struct balance *balance = kept->upstream->peers->balance;
    uint16_t best = UINT16_MAX;
    size_t count = 0;

    for (size_t i = 0; i < answer->count; i++)
        best = answer->all[i].priority < best ? answer->all[i].priority : best;
    for (size_t i = 0; i < answer->count; i++) {
        const struct resolved *r = &answer->all[i];

        if (r->priority == best || balance->has_backups)
            found[count++] = (struct server_found){r->address, r->weight, r->priority != best};
    }
    return count;
}

static void tell(struct kept *kept, size_t count)
{
    log_line(LOG_LEVEL_NOTICE, "upstream \"%.*s\": %.*s has %zu address%s now",
             SPAN_ARG(kept->upstream->name), SPAN_ARG(kept->lookup->host), count,
             count == 1 ? "" : "es");
}

static void complain(struct kept *kept, const struct fault *why)
{
    if (!kept->complained)
        log_line(LOG_LEVEL_WARN,
                 "upstream \"%.*s\": %.*s could not be resolved (%s), gate "
                 "keeps asking",
                 SPAN_ARG(kept->upstream->name), SPAN_ARG(kept->lookup->host), why->text);
    kept->complained = true;
}

static uint64_t holds_ms(const struct kept *kept, const struct resolver_answer *answer)
{
    uint64_t ms = kept->upstream->resolver.valid_ms;

    if (ms == 0)
        ms = answer->ttl_ms;
    return ms < HOLDS_MIN_MS ? HOLDS_MIN_MS : ms > HOLDS_MAX_MS ? HOLDS_MAX_MS : ms;
}

/* Every name of the upstream was asked for once: requests wait for it no longer. */
static void end_waiting(struct kept *kept)
{
    struct peers *peers = kept->upstream->peers;

    balance_lock(peers);
    balance_unlock_changed(peers, atomic_exchange(&peers->resolving, false));
}

static void on_answer(struct resolver_query *query, enum rc rc,
                      const struct resolver_answer *answer, const struct fault *why)
{
    struct kept *kept = LIST_OWNER(query, struct kept, query);
    struct server_found found[RESOLVER_ADDRESSES];
    uint64_t now = loop_now_ms(kept->resolvers->loop), again = AGAIN_MS;

    if (rc == RC_OK) {
        size_t count = take_servers(kept, answer, found);

        if (server_place_update(kept->upstream, kept->lookup, found, count, now))
            tell(kept, count);
        kept->found = true;
        kept->complained = false;
        again = holds_ms(kept, answer);
    } else {
        complain(kept, why);
        if (rc == RC_NOT_FOUND && kept->found)
            (void)server_place_update(kept->upstream, kept->lookup, found, 0, now);
    }
    end_waiting(kept);
    timer_set(loop_timers(kept->resolvers->loop), &kept->timer, again);
}

static void on_time(struct timer *timer)
{
    struct kept *kept = LIST_OWNER(timer, struct kept, timer);
    const struct server_lookup *lookup = kept->lookup;
    struct fault why = {0};
    struct resolver *resolver =
        resolvers_find(kept->resolvers, &kept->upstream->resolver, &why);

    if (!resolver) {
        complain(kept, &why);
        timer_set(loop_timers(kept->resolvers->loop), timer, AGAIN_MS);
    } else if (lookup->service.len > 0) {
        resolver_ask_service(resolver, &kept->query, lookup->service);
    } else {
        resolver_ask(resolver, &kept->query, lookup->host, lookup->port);
    }
}

static void begin(struct resolvers *resolvers, struct upstream_settings *upstream,
                  const struct server_lookup *lookup)
{
    struct kept *kept = &resolvers->all[resolvers->count++];

    *kept = (struct kept){.query = {.done = on_answer},
                          .timer = {.fire = on_time},
                          .resolvers = resolvers,
                          .upstream = upstream,
                          .lookup = lookup};
    kept->found = server_place_remember(upstream, lookup, loop_now_ms(resolvers->loop));
    upstream->peers->resolving = upstream->peers->resolving || !kept->found;
    timer_set(loop_timers(resolvers->loop), &kept->timer, 1);
}

enum rc resolvers_open(struct resolvers **out, struct loop *loop, const struct site *site,
                       bool keeps, struct fault *why)
{
    struct resolvers *resolvers;
    size_t count = 0;

    for (size_t i = 0; keeps && i < site->upstreams_count; i++)
        count += site->upstreams[i]->lookups_count;
    if (!(resolvers = calloc(1, sizeof *resolvers + count * sizeof *resolvers->all)))
        return fail(why, RC_MEMORY, "no memory for resolvers");
    resolvers->loop = loop;
    for (size_t i = 0; keeps && i < site->upstreams_count; i++)
        for (size_t l = 0; l < site->upstreams[i]->lookups_count; l++)
            begin(resolvers, site->upstreams[i], &site->upstreams[i]->lookups[l]);
    *out = resolvers;
    return RC_OK;
}

void resolvers_close(struct resolvers *resolvers)
{
    if (!resolvers)
        return;
    for (size_t i = 0; i < resolvers->count; i++) {
        resolver_cancel(&resolvers->all[i].query);
        timer_clear(&resolvers->all[i].timer);
    }
    while (resolvers->opened) {
        struct opened *opened = resolvers->opened;

        resolvers->opened = opened->next;
        resolver_close(opened->resolver);
        free(opened);
    }
    free(resolvers);
}
