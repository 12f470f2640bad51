/* STEP_RESOLVE: the address of a host that only the request names. */
#include <sys/random.h>

#include "gate/request_proxy.h"
#include "gate/service_resolve.h"

/* From one on by chance; IPv4 in front, which is reached from more places. */
static void put_in_order(const struct resolver_answer *answer, uint32_t chance,
                         struct address *all)
{
    size_t count = 0;

    for (int v6 = 0; v6 < 2; v6++) {
        for (size_t i = 0; i < answer->count; i++) {
            const struct address *a = &answer->all[(i + chance) % answer->count].address;

            if ((a->any.sa_family == AF_INET6) == v6)
                all[count++] = *a;
        }
    }
}

static enum rc keep(struct request *r, const struct resolver_answer *answer)
{
    struct address *all = arena_take_array(&r->arena, answer->count, sizeof *all);
    uint32_t chance = 0;

    if (!all)
        return RC_MEMORY;
    (void)!getrandom(&chance, sizeof chance, 0);
    put_in_order(answer, chance, all);
    r->address = all[0];
    r->others = all + 1;
    r->others_count = answer->count - 1;
    return RC_OK;
}

static void on_answer(struct resolver_query *query, enum rc rc,
                      const struct resolver_answer *answer, const struct fault *why)
{
    struct request *r = LIST_OWNER(query, struct request, lookup);

    r->looked_up = rc;
    if (rc == RC_OK) {
        r->looked_up = keep(r, answer);
    } else {
        request_log(r, LOG_LEVEL_ERROR, "%.*s could not be resolved (%s)",
                    SPAN_ARG(r->lookup_host), why->text);
    }
    request_run(r);
}

enum rc request_look_up(struct request *r, struct span host, uint16_t port)
{
    const struct resolver_settings *settings = &request_settings(r)->resolver;
    struct fault why = {0};
    struct resolver *resolver = resolvers_find(r->service->resolvers, settings, &why);

    if (!resolver) {
        request_log(r, LOG_LEVEL_ERROR, "%s", why.text);
        return request_answer_status(r, 502);
    }
    r->lookup_host = host;
    r->looked_up = RC_AGAIN;
    r->lookup.done = on_answer;
    r->step = STEP_RESOLVE;
    resolver_ask(resolver, &r->lookup, host, port);
    return RC_OK;
}

enum rc request_resolve(struct request *r)
{
    if (is_abandoned(r))
        return request_abandon(r);
    if (r->looked_up == RC_AGAIN) {
        request_wait(r, 0, 0);
        return RC_AGAIN;
    }
    if (r->looked_up != RC_OK)
        return request_answer_status(r, 502);
    r->step = STEP_CHOOSE;
    return RC_OK;
}
