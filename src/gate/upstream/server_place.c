#include "gate/upstream/server_place.h"

#include <stdlib.h>
#include <string.h>

#include "codec/hex.h"
#include "crypto/hash.h"
#include "gate/balance/ledger.h"

enum { REMEMBERED_MAX = 64 };

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

static const struct server_found *find(const struct server_found *found, size_t count,
                                       const struct address *address)
{
    for (size_t i = 0; i < count; i++)
        if (address_equal(&found[i].address, address))
            return &found[i];
    return NULL;
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

/* Its own again, where the record says nothing; true when that is news. */
static bool set_share(struct upstream_settings *upstream, size_t slot,
                      const struct server_found *found)
{
    const struct server_address *line = &upstream->addresses[slot];
    struct peer *peer = &upstream->peers->all[slot];
    uint32_t weight = found->weight && line->weight == 1 ? found->weight : line->weight;
    bool backup = line->backup || found->backup, changes;

    changes = peer->weight != weight || peer->backup != backup;
    if (peer->weight != weight)
        peer->effective = (int32_t)weight;
    peer->weight = weight;
    peer->backup = backup;
    return changes;
}

/* Those that are not found any more leave; the shares of those that are may be others. */
static bool update_present(struct upstream_settings *upstream,
                           const struct server_lookup *lookup,
                           const struct server_found *found, size_t count, uint64_t now_ms)
{
    bool changes = false;

    for (size_t i = lookup->first; i < lookup->first + lookup->count; i++) {
        const struct server_found *still;

        if (upstream->peers->all[i].absent)
            continue;
        still = find(found, count, server_place_address(&upstream->addresses[i]));
        if (still) {
            changes = set_share(upstream, i, still) || changes;
            continue;
        }
        balance_part(upstream->peers, i, now_ms);
        changes = true;
    }
    return changes;
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

void server_place_key(struct span address, struct span line, size_t number, uint8_t key[])
{
    const struct span pieces[] = {address, SPAN(" "), line, span_of(&number, sizeof number)};
    uint8_t digest[HASH_SIZE_MAX] = {0};

    if (hash_compute(hash_find("sha256"), pieces, 4, digest, NULL) == RC_OK)
        memcpy(key, digest, PEER_KEY);
}

/* What the ledger keeps of a server that was found: whose it is, and what was found. */
struct kept {
    uint8_t line[PEER_KEY];
    struct server_found found;
};
_Static_assert(sizeof(struct kept) <= LEDGER_PLACE, "a ledger has room for it");

static void key_of_line(const struct server_lookup *lookup, uint8_t key[])
{
    server_place_key(lookup->host, lookup->service, lookup->port, key);
}

static void enter(struct upstream_settings *upstream, const struct server_lookup *lookup,
                  size_t slot, struct server_place *place, const struct server_found *found,
                  uint64_t now_ms)
{
    struct server_address *line = &upstream->addresses[slot];
    struct kept kept = {.found = *found};

    key_of_line(lookup, kept.line);
    server_place_key(place->name, line->server, 0, upstream->peers->all[slot].key);
    atomic_store_explicit(&line->place, place, memory_order_release);
    (void)set_share(upstream, slot, found);
    balance_enter(upstream->peers, slot, span_of(&kept, sizeof kept), now_ms);
}

bool server_place_update(struct upstream_settings *upstream,
                         const struct server_lookup *lookup, const struct server_found *found,
                         size_t count, uint64_t now_ms)
{
    bool changes;

    balance_lock(upstream->peers);
    changes = update_present(upstream, lookup, found, count, now_ms);
    for (size_t i = 0; i < count; i++) {
        struct server_place *place;
        size_t slot;

        if (is_placed(upstream, lookup, &found[i].address) ||
            (slot = find_slot(upstream, lookup)) == SIZE_MAX ||
            !(place = find_place(upstream, &found[i].address)))
            continue;
        enter(upstream, lookup, slot, place, &found[i], now_ms);
        changes = true;
    }
    balance_unlock_changed(upstream->peers, changes);
    return changes;
}

bool server_place_remember(struct upstream_settings *upstream,
                           const struct server_lookup *lookup, uint64_t now_ms)
{
    struct server_found found[REMEMBERED_MAX];
    uint8_t line[PEER_KEY], bytes[LEDGER_PLACE];
    struct span place;
    size_t count = 0;

    key_of_line(lookup, line);
    balance_lock(upstream->peers);
    for (size_t i = 0;
         count < REMEMBERED_MAX && ledger_place(upstream->peers, i, bytes, &place); i++) {
        struct kept kept;

        if (place.len != sizeof kept)
            continue;
        memcpy(&kept, bytes, sizeof kept);
        if (memcmp(kept.line, line, PEER_KEY) == 0 &&
            kept.found.address.len <= sizeof kept.found.address.path)
            found[count++] = kept.found;
    }
    balance_unlock_changed(upstream->peers, false);
    return count > 0 && server_place_update(upstream, lookup, found, count, now_ms);
}

void server_place_close(struct upstream_settings *upstream)
{
    while (upstream->places) {
        struct server_place *place = upstream->places;

        upstream->places = place->before;
        free(place);
    }
}
