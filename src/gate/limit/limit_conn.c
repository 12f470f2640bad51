#include "gate/limit/limit_conn.h"

enum rc limit_conn_enter(struct zone *zone, struct span key, uint32_t most)
{
    struct zone_entry *entry;
    enum rc rc = RC_OK;

    zone_lock(zone);
    entry = zone_find(zone, key);
    if (entry && entry->count >= most)
        rc = RC_LIMIT;
    else if (!entry && !(entry = zone_add(zone, key)))
        rc = RC_MEMORY;
    else
        entry->count++;
    zone_unlock(zone);
    return rc;
}

void limit_conn_leave(struct zone *zone, struct span key)
{
    struct zone_entry *entry;

    zone_lock(zone);
    entry = zone_find(zone, key); /* none: the zone was emptied meanwhile */
    if (entry && entry->count > 0)
        entry->count--;
    if (entry && entry->count == 0)
        zone_remove(zone, entry);
    zone_unlock(zone);
}

void limit_conn_forget(struct zone *zone)
{
    struct zone_entry *entry;

    zone_lock(zone);
    while ((entry = zone_oldest(zone)))
        zone_remove(zone, entry);
    zone_unlock(zone);
}
