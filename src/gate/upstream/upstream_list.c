#include "gate/upstream/upstream_list.h"

#include "codec/hex.h"
#include "crypto/hash.h"
#include "gate/balance/ledger.h"
#include "gate/health/health_settings.h"
#include "gate/upstream/server_place.h"

struct upstream_settings *upstream_list_add(struct conf *conf, struct upstreams *upstreams,
                                            struct span name)
{
    struct upstream_settings *made = arena_take(conf->arena, sizeof *made), **slot;

    if (!made || !(made->idle = arena_take(conf->arena, sizeof *made->idle))) {
        (void)conf_no_memory(conf);
        return NULL;
    }
    slot = conf_add(conf, (void **)&upstreams->all, &upstreams->count, sizeof *slot);
    if (!slot)
        return NULL;
    made->name = name;
    made->zones = upstreams->zones;
    made->node = conf->node;
    made->index = upstreams->count - 1;
    if (!conf->strict) {
        made->retry_percent = 20;
        made->retry_floor = 10;
    }
    *slot = made;
    return made;
}

struct upstream_settings *upstream_list_find(const struct upstreams *upstreams,
                                             struct span name, bool implicit)
{
    for (size_t i = 0; i < upstreams->count; i++) {
        struct upstream_settings *u = upstreams->all[i];

        if (u->implicit == implicit && span_equal_nocase(u->name, name))
            return u;
    }
    return NULL;
}

/* What a session names a server by, where its line does not say: its address, which is not shown. */
static struct span make_route(struct span address, struct arena *arena)
{
    uint8_t digest[HASH_SIZE_MAX];
    char *text = arena_take(arena, 33);

    if (!text || hash_compute(&hash_md5, &address, 1, digest, NULL) != RC_OK)
        return (struct span){0};
    hex_encode(span_of(digest, 16), text);
    return span_of(text, 32);
}

static enum rc give_routes(struct upstream_settings *u, struct arena *arena, struct fault *why)
{
    for (size_t i = 0; u->sticky.kind != STICKY_NONE && i < u->count; i++) {
        struct server_address *a = &u->addresses[i];

        if (a->route.len == 0 && a->address.len > 0 &&
            (a->route = make_route(a->name, arena)).len == 0)
            return fail(why, RC_MEMORY, "no memory for the routes of sticky sessions");
    }
    return RC_OK;
}

/* How many before it have its address. */
static size_t number_of(const struct upstream_settings *u, size_t index)
{
    size_t number = 0;

    for (size_t i = 0; i < index; i++)
        number += span_equal(u->addresses[i].name, u->addresses[index].name);
    return number;
}

static enum rc open_peers(struct upstream_settings *u, struct arena *arena, struct fault *why)
{
    struct peers *peers = arena_take(arena, sizeof *peers);
    struct peer *all = arena_take_array(arena, u->count, sizeof *all);
    enum rc rc;

    if ((rc = give_routes(u, arena, why)) != RC_OK)
        return rc;
    if (!peers || !all)
        return fail(why, RC_MEMORY, "no memory for the servers of an upstream");
    for (size_t i = 0; i < u->count; i++) {
        const struct server_address *a = &u->addresses[i];

        all[i] = (struct peer){.weight = a->weight,
                               .max_conns = a->max_conns,
                               .max_fails = a->max_fails,
                               .fail_timeout_ms = a->fail_timeout_ms,
                               .slow_start_ms = a->slow_start_ms,
                               .backup = a->backup,
                               .down = a->down,
                               .absent = a->address.len == 0,
                               .drain = a->drain,
                               .name = a->server};
    }
    if ((rc = balance_open(peers, all, u->count, u->balance, arena, why)) != RC_OK)
        return rc;
    peers->revives = u->implicit; /* the addresses of one name are mostly one server's */
    peers->load_percent = (uint32_t)u->load_percent;
    peers->queue = (uint32_t)u->queue;
    peers->budget = (struct retry_budget){.percent = (uint32_t)u->retry_percent,
                                          .floor = (uint32_t)u->retry_floor};
    peers->outliers = u->outliers;
    peers->checks = u->health;
    peers->mandatory = u->health && u->health->mandatory;
    peers->persistent = u->health && u->health->persistent;
    for (size_t i = 0; i < u->count; i++) {
        all[i].ill = all[i].unchecked = peers->mandatory;
        if (!all[i].absent)
            server_place_key(u->addresses[i].name, (struct span){0}, number_of(u, i),
                             all[i].key);
    }
    u->peers = peers;
    return RC_OK;
}

static void give_resolver(struct upstream_settings *u, const struct resolver_settings *around)
{
    uint64_t timeout_ms = u->resolver.timeout_ms;

    if (!u->resolver.is_set)
        u->resolver = *around;
    u->resolver.timeout_ms = timeout_ms ? timeout_ms : around->timeout_ms;
}

enum rc upstream_list_finish(const struct upstreams *upstreams,
                             const struct resolver_settings *resolver, struct arena *arena,
                             struct fault *why)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; i < upstreams->count && rc == RC_OK; i++) {
        give_resolver(upstreams->all[i], resolver);
        rc = open_peers(upstreams->all[i], arena, why);
    }
    return rc;
}

static struct ledger *ledger_before(const struct upstreams *before,
                                    const struct upstream_settings *u)
{
    const struct upstream_settings *same =
        before ? upstream_list_find(before, u->name, u->implicit) : NULL;

    return same ? same->ledger : NULL;
}

enum rc upstream_list_open(const struct upstreams *upstreams, const struct upstreams *before,
                           struct fault *why)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; i < upstreams->count && rc == RC_OK; i++) {
        struct upstream_settings *u = upstreams->all[i];

        rc = ledger_open(&u->ledger, u->count, u->zone ? u->zone->size : 0,
                         ledger_before(before, u), why);
    }
    return rc;
}

void upstream_list_begin(const struct upstreams *upstreams, uint64_t now_ms)
{
    for (size_t i = 0; i < upstreams->count; i++)
        if (upstreams->all[i]->ledger)
            balance_remember(upstreams->all[i]->peers, upstreams->all[i]->ledger, now_ms);
}

void upstream_list_leave(const struct upstreams *upstreams, uint64_t now_ms)
{
    for (size_t i = 0; i < upstreams->count; i++)
        balance_leave(upstreams->all[i]->peers, now_ms);
}

void upstream_list_close(const struct upstreams *upstreams)
{
    for (size_t i = 0; i < upstreams->count; i++) {
        if (upstreams->all[i]->peers)
            balance_close(upstreams->all[i]->peers);
        server_place_close(upstreams->all[i]);
        ledger_release(upstreams->all[i]->ledger);
    }
}
