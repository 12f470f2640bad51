#include "gate/upstream/server_place.h"

#include <stdlib.h>

#include "codec/hex.h"
#include "crypto/hash.h"
#include "gate/balance/balance.h"

/* The place of that address, made where it was never found before; NULL: no memory. */
static struct server_place *find_place(struct upstream_settings *upstream,
                                       const struct address *address)
{
    uint8_t digest[HASH_SIZE_MAX];
    struct server_place *place;

    for (place = upstream->places; place; place = place->before)
        if (address_equal(&place->address, address))
            return place;
    if (!(place = calloc(1, sizeof *place)))
        return NULL;
    place->address = *address;
    place->name = address_text(address, place->name_text, false);
    if (hash_compute(&hash_md5, &place->name, 1, digest, NULL) == RC_OK) {
        hex_encode(span_of(digest, 16), place->route_text);
        place->route = span_of(place->route_text, 32);
    }
    place->before = upstream->places;
    upstream->places = place;
    return place;
}

static bool has(const struct address *found, size_t count, const struct address *address)
{
    for (size_t i = 0; i < count; i++)
        if (address_equal(&found[i], address))
            return true;
    return false;
}

/* The first slot without an address, one that no request is at before others; SIZE_MAX: none. */
static size_t find_slot(const struct upstream_settings *upstream,
                        const struct server_lookup *lookup)
{
    size_t busy = SIZE_MAX;

    for (size_t i = lookup->first; i < lookup->first + lookup->count; i++) {
        if (!upstream->peers->all[i].absent)
            continue;
        if (upstream->peers->all[i].active == 0)
            return i;
        busy = busy == SIZE_MAX ? i : busy;
    }
    return busy;
}

static bool is_placed(const struct upstream_settings *upstream,
                      const struct server_lookup *lookup, const struct address *address)
{
    for (size_t i = lookup->first; i < lookup->first + lookup->count; i++)
        if (!upstream->peers->all[i].absent &&
            address_equal(server_place_address(&upstream->addresses[i]), address))
            return true;
    return false;
}

static bool remove_gone(struct upstream_settings *upstream, const struct server_lookup *lookup,
                        const struct address *found, size_t count)
{
    bool changes = false;

    for (size_t i = lookup->first; i < lookup->first + lookup->count; i++) {
        struct peer *peer = &upstream->peers->all[i];

        if (peer->absent || has(found, count, server_place_address(&upstream->addresses[i])))
            continue;
        peer->absent = true;
        changes = true;
    }
    return changes;
}

bool server_place_update(struct upstream_settings *upstream,
                         const struct server_lookup *lookup, const struct address *found,
                         size_t count, uint64_t now_ms)
{
    bool changes;

    balance_lock(upstream->peers);
    changes = remove_gone(upstream, lookup, found, count);
    for (size_t i = 0; i < count; i++) {
        struct server_place *place;
        size_t slot;

        if (is_placed(upstream, lookup, &found[i]) ||
            (slot = find_slot(upstream, lookup)) == SIZE_MAX ||
            !(place = find_place(upstream, &found[i])))
            continue;
        atomic_store_explicit(&upstream->addresses[slot].place, place, memory_order_release);
        balance_enter(upstream->peers, slot, now_ms);
        changes = true;
    }
    balance_unlock_changed(upstream->peers, changes);
    return changes;
}

void server_place_close(struct upstream_settings *upstream)
{
    while (upstream->places) {
        struct server_place *place = upstream->places;

        upstream->places = place->before;
        free(place);
    }
}
