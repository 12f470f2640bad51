/*
 * Which server of an upstream takes the next request: the servers' state, shared by all loops,
 * and the interface of the ways to choose. Knows no socket, no request, no configuration.
 */
#ifndef GATE_BALANCE_BALANCE_H
#define GATE_BALANCE_BALANCE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/fault.h"
#include "base/span.h"

#define BALANCE_NONE SIZE_MAX

/* 64-bit words of a set of `count` peers: see balance_pick. */
#define BALANCE_WORDS(count) (((count) + 63) / 64)

/* One address of one server line. */
struct peer {
    /* As the configuration says; the caller fills these. */
    uint32_t weight;    /* 1 .. 2^31 - 1; relative share of the requests */
    uint32_t max_conns; /* requests at once; 0: any number */
    uint32_t max_fails; /* within fail_timeout; 0: never counted as failed */
    uint64_t fail_timeout_ms;
    bool backup, down;
    struct span name; /* of its server line: where consistent hashes place it */

    /* How it does; balance.c alone writes these, under the lock. {0} before balance_open. */
    uint32_t active; /* requests in flight, this worker */
    uint32_t fails;
    int32_t effective; /* weight, lowered by failures */
    int64_t current;   /* round robin: credit */
    uint64_t accessed_ms, checked_ms;
};

/* The servers of one upstream. */
struct peers {
    struct peer *all;
    size_t count;
    bool single; /* one primary and no backup: never marked failed */
    bool has_backup;
    bool
        revives; /* set it after balance_open: where all rest from failures, they are asked all the same */
    const struct balance *balance;
    void *state; /* balance->state_size bytes, zeroed at first */
    pthread_mutex_t lock;
};

/* What a method makes its choice of, besides the servers' state. */
enum balance_key {
    BALANCE_KEY_NONE,
    BALANCE_KEY_TEXT,    /* that the directive tells how to make */
    BALANCE_KEY_ADDRESS, /* of the client: the first three octets of IPv4, all 16 of IPv6, else
                            three zeros */
};

/* What a request brings to the choice of its servers, and keeps from one try to the next. */
struct balance_request {
    uint64_t
        *tried; /* those that it has been at: BALANCE_WORDS(peers->count) words, 0 at first */
    struct span key; /* see enum balance_key; where it is empty, servers take turns */

    /* The balancers' own; 0 at first. */
    uint32_t hash, round;
    uint32_t misses; /* how often the choice fell on one that may not be asked */
};

/* May this peer take a request now? False for those of the other group (backup or not). */
struct balance_query {
    uint64_t now_ms;
    struct balance_request *request;
    bool backup;
    bool resting; /* those that rest from failures may take it too */
};

/* One way to choose a server. A new one is a file beside this, and a line in balance.c. */
struct balance {
    const char
        *name; /* the directive's word inside an upstream block; round_robin needs none */
    const char *doc;  /* one sentence; a test looks for it in gate.conf(5) */
    bool has_backups; /* server lines may say "backup" */
    enum balance_key key;
    size_t state_size; /* zeroed bytes kept for each upstream; pick() alone uses them */

    /* Fills peers->state; NULL: zeros are right. RC_MEMORY, RC_LIMIT, RC_IO. */
    enum rc (*open)(struct peers *peers, struct arena *arena, struct fault *why);

    /* Index of the chosen peer, or BALANCE_NONE. Called with the lock held. */
    size_t (*pick)(struct peers *peers, const struct balance_query *query);
};

extern const struct balance balance_hash, balance_hash_consistent, balance_ip_hash,
    balance_least_conn, balance_random, balance_random_two, balance_round_robin;

/* All of them, from 0; NULL behind the last. */
const struct balance *balance_at(size_t i);

/* NULL for a word that names no balancer. */
const struct balance *balance_find(const char *name);

/*
 * `all` and the arena must outlive `peers`; the settings in `all` are filled. `how` NULL:
 * round robin.
 * RC_MEMORY  no room for the balancer's state
 * RC_LIMIT   weights that the balancer cannot have
 * RC_IO      no random bytes
 */
enum rc balance_open(struct peers *peers, struct peer *all, size_t count,
                     const struct balance *how, struct arena *arena, struct fault *why);
void balance_close(struct peers *peers);

/*
 * Chooses a peer, counts the request as in flight there, and adds it to request->tried
 * (backups are chosen when no primary is usable). BALANCE_NONE: "no live
 * upstreams", answer 502. Each index that was returned is given back with balance_free, once.
 * Safe from any thread.
 */
size_t balance_pick(struct peers *peers, uint64_t now_ms, struct balance_request *request);

/*
 * The request has left the peer. `failed`: it could not be reached, or answered with what
 * proxy_next_upstream names (but for 403 and 404). Returns true when this failure has just
 * disabled the peer for its fail_timeout ("upstream server temporarily disabled" is worth a
 * warning).
 */
bool balance_free(struct peers *peers, size_t index, bool failed, uint64_t now_ms);

/* For pick() of a balancer: is the peer of that group, up, below its limits and not yet tried?
 */
bool balance_is_usable(const struct peers *peers, size_t index,
                       const struct balance_query *query);

/* For pick() of those with a better idea: no key, too many misses, or others than the primaries in health. */
bool balance_takes_turns(const struct peers *peers, const struct balance_query *query);

/*
 * For pick() of those that take turns: the peer's credit grows by its effective weight, which
 * is returned, and which itself recovers by one.
 */
int64_t balance_earn(struct peer *peer);

#endif
