#include "gate/sticky/session.h"

uint64_t session_find(struct zone *zone, struct span key, uint64_t timeout_ms, uint64_t now_ms)
{
    struct zone_entry *entry;
    uint64_t server = 0;

    zone_lock(zone);
    entry = zone_find(zone, key);
    if (entry && now_ms > entry->used_ms && now_ms - entry->used_ms > timeout_ms)
        zone_remove(zone, entry);
    else if (entry) {
        entry->used_ms = now_ms;
        server = entry->number;
    }
    zone_unlock(zone);
    return server;
}

void session_add(struct zone *zone, struct span key, uint64_t server, uint64_t now_ms)
{
    struct zone_entry *entry;

    zone_lock(zone);
    entry = zone_find(zone, key);
    if (!entry)
        entry = zone_add(zone, key);
    if (entry) {
        entry->number = server;
        entry->used_ms = now_ms;
    }
    zone_unlock(zone);
}
