#include "gate/balance/ledger.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "gate/zone/shared_lock.h"

enum {
    SERVERS_MIN = 64,
    HOLDS_MS = 60 * 1000, /* what is known of a server that has left */
};

/* How a server stands: what workers tell each other. */
struct standing {
    uint32_t weight, fails;
    int32_t effective;
    bool ill, checked; /* a health check has found that out */
    uint64_t accessed_ms, checked_ms, recovered_ms, changed_ms;
    struct outlier outlier;
    struct latency latency;
};

struct ledger_entry {
    uint8_t key[PEER_KEY];
    bool used;
    uint64_t version; /* the table's when it was written last */
    uint64_t left_ms; /* 0: it is a server of the group */
    struct standing standing;
    struct peer_figures figures;
    struct peer_change changes[LEDGER_CHANGES];
    uint64_t changes_count; /* ever */
    uint8_t place[LEDGER_PLACE];
    size_t place_len;
};

/* What stands in the shared memory. No pointers: processes differ. */
struct table {
    pthread_mutex_t lock;
    atomic_uint_fast64_t version; /* of the last change */
    size_t capacity;
    struct ledger_entry all[];
};

struct ledger {
    unsigned references;
    size_t size;
    struct table *table;
};

const char *ledger_event_name(enum peer_event event)
{
    static const char *const names[PEER_EVENTS] = {
        [PEER_FAILED] = "unavail",      [PEER_RECOVERED] = "recovered",
        [PEER_WAS_EJECTED] = "ejected", [PEER_BECAME_ILL] = "unhealthy",
        [PEER_BECAME_WELL] = "healthy", [PEER_APPEARED] = "appeared",
        [PEER_LEFT] = "left",
    };

    return event < PEER_EVENTS ? names[event] : "";
}

/* ---- the memory ---- */

/* What a killed worker was writing is numbers, each of which is looked at before it counts. */
static void lock(struct table *table)
{
    (void)shared_lock_take(&table->lock);
}

static void unlock(struct table *table)
{
    pthread_mutex_unlock(&table->lock);
}

static void take_along(struct table *table, struct table *before)
{
    lock(before);
    memcpy(table->all, before->all, before->capacity * sizeof *before->all);
    table->version = before->version;
    unlock(before);
}

enum rc ledger_open(struct ledger **out, size_t servers, uint64_t size, struct ledger *before,
                    struct fault *why)
{
    size_t capacity = servers < SERVERS_MIN / 2 ? SERVERS_MIN : 2 * servers;
    struct ledger *ledger;

    if (size / sizeof(struct ledger_entry) > capacity)
        capacity = size / sizeof(struct ledger_entry);
    if (before && before->table->capacity >= servers + servers / 2 &&
        before->table->capacity * sizeof(struct ledger_entry) + sizeof(struct ledger_entry) >
            size) {
        before->references++;
        *out = before;
        return RC_OK;
    }
    if (!(ledger = calloc(1, sizeof *ledger)))
        return fail(why, RC_MEMORY, "no memory for what is known of servers");
    *ledger = (struct ledger){.references = 1};
    if (before && capacity < before->table->capacity)
        capacity = before->table->capacity;
    ledger->size = sizeof *ledger->table + capacity * sizeof *ledger->table->all;
    ledger->table =
        mmap(NULL, ledger->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (ledger->table == MAP_FAILED) {
        free(ledger);
        return fail_errno(why, RC_MEMORY, "mmap() for what is known of servers failed");
    }
    ledger->table->capacity = capacity;
    shared_lock_open(&ledger->table->lock);
    if (before)
        take_along(ledger->table, before->table);
    *out = ledger;
    return RC_OK;
}

void ledger_release(struct ledger *ledger)
{
    if (!ledger || --ledger->references > 0)
        return;
    munmap(ledger->table, ledger->size);
    free(ledger);
}

void ledger_begin(struct peers *peers, struct ledger *ledger)
{
    peers->ledger = ledger;
    peers->news = &ledger->table->version;
    peers->seen = atomic_load(peers->news);
}

/* ---- entries ---- */

static bool is_of(const struct ledger_entry *entry, const uint8_t *key)
{
    return entry && entry->used && memcmp(entry->key, key, PEER_KEY) == 0;
}

static bool is_bound(const struct peers *peers, const struct ledger_entry *entry)
{
    for (size_t i = 0; i < peers->count; i++)
        if (peers->all[i].entry == entry)
            return true;
    return false;
}

/* Is a needed less than b: has it left, or longer ago, or is what is known of it older? */
static bool is_older(const struct ledger_entry *a, const struct ledger_entry *b)
{
    if (!b || (a->left_ms > 0) != (b->left_ms > 0))
        return !b || a->left_ms > 0;
    return a->left_ms > 0 ? a->left_ms < b->left_ms : a->version < b->version;
}

/* One that is free, or that is needed least. NULL: all are this worker's. */
static struct ledger_entry *make_entry(const struct peers *peers, const uint8_t *key)
{
    struct table *table = peers->ledger->table;
    struct ledger_entry *oldest = NULL;

    for (size_t i = 0; i < table->capacity; i++) {
        struct ledger_entry *entry = &table->all[i];

        if (!entry->used) {
            oldest = entry;
            break;
        }
        if (is_older(entry, oldest) && !is_bound(peers, entry))
            oldest = entry;
    }
    if (!oldest)
        return NULL;
    *oldest = (struct ledger_entry){.used = true};
    memcpy(oldest->key, key, PEER_KEY);
    return oldest;
}

static struct ledger_entry *find_entry(const struct peers *peers, const uint8_t *key)
{
    struct table *table = peers->ledger->table;

    for (size_t i = 0; i < table->capacity && table->all[i].used; i++)
        if (is_of(&table->all[i], key))
            return &table->all[i];
    return NULL;
}

/* Its own entry, unless another worker needed the room; NULL: it has none. */
static struct ledger_entry *entry_of(const struct peer *peer)
{
    return is_of(peer->entry, peer->key) ? peer->entry : NULL;
}

/* ---- news ---- */

static void write_standing(struct peers *peers, struct peer *peer, struct ledger_entry *entry)
{
    struct table *table = peers->ledger->table;
    uint64_t before = atomic_fetch_add(&table->version, 1);

    entry->standing = (struct standing){
        .weight = peer->weight,
        .fails = peer->fails,
        .effective = peer->effective,
        .ill = peer->unchecked ? entry->standing.ill : peer->ill,
        .checked = entry->standing.checked || (peers->checks && !peer->unchecked),
        .accessed_ms = peer->accessed_ms,
        .checked_ms = peer->checked_ms,
        .recovered_ms = peer->recovered_ms,
        .changed_ms = peer->changed_ms,
        .outlier = peer->outlier,
        .latency = peer->latency,
    };
    entry->version = peer->version = before + 1;
    if (peers->seen == before)
        peers->seen = before + 1; /* otherwise there is news to be taken first */
}

/* The configuration may be another one: what it says holds. */
static void read_standing(struct peers *peers, struct peer *peer,
                          const struct ledger_entry *entry)
{
    const struct standing *s = &entry->standing;

    peer->fails = s->fails;
    peer->effective =
        s->weight == peer->weight && s->effective >= 0 && s->effective <= (int32_t)peer->weight
            ? s->effective
            : (int32_t)peer->weight;
    peers->weakened = true; /* perhaps */
    peer->ill = peer->unchecked || (peers->checks && s->ill);
    peer->accessed_ms = s->accessed_ms;
    peer->checked_ms = s->checked_ms;
    peer->recovered_ms = peer->slow_start_ms > 0 ? s->recovered_ms : 0;
    peer->changed_ms = s->changed_ms;
    if (peers->outliers.max_percent > 0 && s->outlier.why < OUTLIER_WHYS)
        peer->outlier = s->outlier;
    peer->version = entry->version;
}

void ledger_take_news(struct peers *peers)
{
    lock(peers->ledger->table);
    peers->seen = atomic_load(peers->news);
    for (size_t i = 0; i < peers->count; i++) {
        struct peer *peer = &peers->all[i];
        const struct ledger_entry *entry = entry_of(peer);

        if (entry && entry->version != peer->version)
            read_standing(peers, peer, entry);
    }
    unlock(peers->ledger->table);
}

void ledger_tell(struct peers *peers, struct peer *peer)
{
    struct ledger_entry *entry;

    if (!peers->ledger)
        return;
    lock(peers->ledger->table);
    if ((entry = entry_of(peer)))
        write_standing(peers, peer, entry);
    unlock(peers->ledger->table);
}

void ledger_note(struct peers *peers, struct peer *peer, enum peer_event what, uint64_t now_ms,
                 const char *why, ...)
{
    struct ledger_entry *entry;
    va_list arguments;

    if (!peers->ledger)
        return;
    lock(peers->ledger->table);
    if ((entry = entry_of(peer))) {
        struct peer_change *change = &entry->changes[entry->changes_count++ % LEDGER_CHANGES];

        change->at_ms = now_ms;
        change->what = what;
        va_start(arguments, why);
        vsnprintf(change->why, sizeof change->why, why, arguments);
        va_end(arguments);
        write_standing(peers, peer, entry);
    }
    unlock(peers->ledger->table);
}

/* ---- coming and leaving ---- */

void ledger_bind(struct peers *peers, struct peer *peer, struct span place, uint64_t now_ms)
{
    struct ledger_entry *entry;

    peer->unchecked = peers->mandatory;
    peer->ill = peer->unchecked;
    if (!peers->ledger)
        return;
    lock(peers->ledger->table);
    entry = find_entry(peers, peer->key);
    if (entry && (entry->left_ms == 0 || now_ms < entry->left_ms + HOLDS_MS)) {
        peer->unchecked = peers->mandatory && !(peers->persistent && entry->standing.checked);
        read_standing(peers, peer, entry);
        peer->latency = entry->standing.latency;
        peer->entry = entry;
    } else if (entry || (entry = make_entry(peers, peer->key))) {
        peer->entry = entry;
        write_standing(peers, peer, entry);
    }
    if (entry) {
        entry->left_ms = 0;
        entry->place_len = place.len <= LEDGER_PLACE ? place.len : 0;
        if (entry->place_len > 0)
            memcpy(entry->place, place.at, entry->place_len);
    }
    unlock(peers->ledger->table);
}

void ledger_unbind(struct peers *peers, struct peer *peer, uint64_t now_ms)
{
    struct ledger_entry *entry;

    ledger_note(peers, peer, PEER_LEFT, now_ms, "its name has this address no more");
    if (!peers->ledger)
        return;
    lock(peers->ledger->table);
    if ((entry = entry_of(peer)))
        entry->left_ms = now_ms;
    unlock(peers->ledger->table);
}

bool ledger_place(struct peers *peers, size_t i, uint8_t into[LEDGER_PLACE],
                  struct span *place)
{
    const struct ledger_entry *entry;

    *place = (struct span){0};
    if (!peers->ledger || i >= peers->ledger->table->capacity)
        return false;
    lock(peers->ledger->table);
    entry = &peers->ledger->table->all[i];
    if (entry->used && entry->left_ms == 0 && entry->place_len <= LEDGER_PLACE) {
        memcpy(into, entry->place, entry->place_len);
        *place = span_of(into, entry->place_len);
    }
    unlock(peers->ledger->table);
    return true;
}

/* ---- figures ---- */

static void add_figures(struct peer_figures *sum, const struct peer_figures *more)
{
    uint64_t *to = (uint64_t *)sum;
    const uint64_t *from = (const uint64_t *)more;

    _Static_assert(sizeof *sum % sizeof *to == 0, "figures are numbers of 64 bits alone");
    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++)
        to[i] += from[i];
}

void ledger_settle(struct peers *peers, uint64_t now_ms)
{
    if (!peers->ledger)
        return;
    peers->settled_ms = now_ms;
    lock(peers->ledger->table);
    for (size_t i = 0; i < peers->count; i++) {
        struct peer *peer = &peers->all[i];
        struct ledger_entry *entry = peer->uncounted ? entry_of(peer) : NULL;

        if (!entry)
            continue;
        add_figures(&entry->figures, &peer->figures);
        entry->standing.latency = peer->latency;
        peer->figures = (struct peer_figures){0};
        peer->uncounted = false;
    }
    unlock(peers->ledger->table);
}

void ledger_read(struct peers *peers, const struct peer *peer, struct peer_figures *figures,
                 struct peer_history *history)
{
    const struct ledger_entry *entry;

    *figures = peer->figures;
    history->count = 0;
    if (!peers->ledger)
        return;
    lock(peers->ledger->table);
    if ((entry = entry_of(peer))) {
        uint64_t last = entry->changes_count;

        add_figures(figures, &entry->figures);
        for (uint64_t at = last > LEDGER_CHANGES ? last - LEDGER_CHANGES : 0; at < last; at++)
            history->all[history->count++] = entry->changes[at % LEDGER_CHANGES];
        for (size_t i = 0; i < history->count; i++)
            history->all[i].why[LEDGER_WHY - 1] = 0;
    }
    unlock(peers->ledger->table);
}
