/*
 * What is known of the servers of a group, in memory that its workers share: the one that finishes after a reload
 * and the one that has begun. So a reload forgets nothing of a server that is still there, and a killed worker's
 * successor begins with what that knew.
 */
#ifndef GATE_BALANCE_LEDGER_H
#define GATE_BALANCE_LEDGER_H

#include "gate/balance/balance.h"

enum { LEDGER_CHANGES = 8, LEDGER_WHY = 64, LEDGER_PLACE = 160 };

/* What has happened to a server. */
enum peer_event {
    PEER_FAILED,    /* often enough to rest for its fail_timeout */
    PEER_RECOVERED, /* it answered after that */
    PEER_WAS_EJECTED,
    PEER_BECAME_ILL,
    PEER_BECAME_WELL,
    PEER_APPEARED, /* its name has this address now */
    PEER_LEFT,     /* its name has this address no more */
    PEER_EVENTS
};
const char *ledger_event_name(enum peer_event event);

struct peer_change {
    uint64_t at_ms;
    enum peer_event what;
    char why[LEDGER_WHY]; /* ends with a NUL; may be empty */
};

/* The last ones of a server, oldest first. */
struct peer_history {
    struct peer_change all[LEDGER_CHANGES];
    size_t count;
};

struct ledger; /* reference-counted in the process that reads configurations */

/*
 * Room for `servers` and more, and for as many as `size` bytes hold. What stands in `before` (which may be NULL) is taken along: `before` itself, where it has
 * room enough; otherwise a copy, which misses what a worker counts after that. RC_MEMORY.
 */
enum rc ledger_open(struct ledger **out, size_t servers, uint64_t size, struct ledger *before,
                    struct fault *why);
void ledger_release(struct ledger *ledger); /* harmless on NULL */

/* All below: with the group's lock held; of no effect in a group without a ledger. */

/* The group's, from now on; its servers are not bound to entries yet. */
void ledger_begin(struct peers *peers, struct ledger *ledger);

/*
 * The server's entry, by peer->key, is its own from now on: what is known there holds, where it was a server of the
 * group until lately. Otherwise it begins anew. `place` is kept with it for ledger_place.
 */
void ledger_bind(struct peers *peers, struct peer *peer, struct span place, uint64_t now_ms);

/* It is no server of the group any more, as far as this worker knows. */
void ledger_unbind(struct peers *peers, struct peer *peer, uint64_t now_ms);

/* The place of entry i whose server has not left; false behind the last. Empty: that has none, or has left. */
bool ledger_place(struct peers *peers, size_t i, uint8_t into[LEDGER_PLACE],
                  struct span *place);

/* Another worker has found something out: it holds here too. */
void ledger_take_news(struct peers *peers);

static inline void ledger_look(struct peers *peers)
{
    if (peers->news && atomic_load_explicit(peers->news, memory_order_relaxed) != peers->seen)
        ledger_take_news(peers);
}

/* How the server stands has changed: other workers see it. */
void ledger_tell(struct peers *peers, struct peer *peer);

/* The same, and it is worth to be remembered. */
void ledger_note(struct peers *peers, struct peer *peer, enum peer_event what, uint64_t now_ms,
                 const char *why, ...) __attribute__((format(printf, 5, 6)));

/* Adds what was counted since the last time. */
void ledger_settle(struct peers *peers, uint64_t now_ms);

/* The sum of all workers' figures (settle first), and what has happened. */
void ledger_read(struct peers *peers, const struct peer *peer, struct peer_figures *figures,
                 struct peer_history *history);

#endif
