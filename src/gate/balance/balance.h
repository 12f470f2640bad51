/*
 * Which server of an upstream takes the next request: the servers' state, shared by all loops,
 * and the interface of the ways to choose. Knows no socket, no request, no configuration.
 */
#ifndef GATE_BALANCE_BALANCE_H
#define GATE_BALANCE_BALANCE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/fault.h"
#include "base/list.h"
#include "base/span.h"
#include "gate/balance/outlier.h"
#include "gate/balance/retry_budget.h"

#define BALANCE_NONE SIZE_MAX

/* 64-bit words of a set of `count` peers: see balance_pick. */
#define BALANCE_WORDS(count) (((count) + 63) / 64)

/* How a request's time at a peer ended. */
enum balance_outcome {
    BALANCE_DONE,     /* an answer came, of whatever status */
    BALANCE_ERROR,    /* no connection, or it broke */
    BALANCE_TIMEOUT,  /* no connection, or no answer, in time */
    BALANCE_INVALID,  /* the answer is none */
    BALANCE_UNWANTED, /* an answer whose status proxy_next_upstream names */
    BALANCE_LEFT,     /* the client has gone, or nobody was asked */
    BALANCE_OUTCOMES
};

enum { LATENCY_BUCKETS = 24 /* of 2^i ms and less */, PEER_KEY = 16 };

/* What has come of the requests to a peer: numbers of 64 bits alone. */
struct peer_figures {
    uint64_t requests, retries; /* retries: that had failed elsewhere before */
    uint64_t outcomes[BALANCE_OUTCOMES];
    uint64_t statuses[6]; /* by hundreds; [0]: none */
    uint64_t sent, received;
    uint64_t disabled;              /* how often failures have disabled it */
    uint64_t checks, checks_failed; /* by health_check */
    uint64_t header_ms[LATENCY_BUCKETS], header_sum_ms;
};

/* One address of one server line. */
struct peer {
    /* As the configuration says; the caller fills these. */
    uint32_t weight;    /* 1 .. 2^31 - 1; relative share of the requests */
    uint32_t max_conns; /* requests at once; 0: any number */
    uint32_t max_fails; /* within fail_timeout; 0: never counted as failed */
    uint64_t fail_timeout_ms;
    uint64_t slow_start_ms; /* how long its weight grows after a recovery; 0: at once */
    bool backup, down;
    bool drain;       /* for those that stick to it alone */
    struct span name; /* of its server line: where consistent hashes place it */

    /* How it does; balance.c alone writes these, under the lock. {0} before balance_open. */
    uint32_t active; /* requests in flight, this worker */
    uint32_t fails;
    int32_t effective; /* weight, lowered by failures */
    int64_t current;   /* round robin: credit */
    uint64_t accessed_ms, checked_ms;
    uint64_t chosen_ms;    /* last; 0: never */
    uint64_t probed_ms;    /* by a health check, last; 0: never */
    uint64_t recovered_ms; /* when its slow start began; 0: it is over */
    uint64_t started_ms;   /* sum of the times at which those in flight began */
    struct latency {
        uint64_t header_us, last_us; /* moving averages; 0: none yet */
        uint64_t peak_us,
            peak_ms; /* follows a rise at once and a fall slowly; when it was set */
    } latency;
    bool absent;         /* a slot without an address: see balance_enter */
    bool ill;            /* a health check says so: balance_set_health */
    uint64_t changed_ms; /* when that last changed; 0: never */
    struct outlier outlier;
    struct peer_figures figures; /* those that are not in the ledger yet, where there is one */

    /* ledger.h's: what is known of it beyond this worker. */
    uint8_t key[PEER_KEY]; /* by which workers know it; the caller fills it */
    struct ledger_entry *entry;
    uint64_t version;
    bool unchecked; /* ill until a health check has passed in this worker */
    bool uncounted; /* there are figures that are not in the ledger */
};

/* The servers of one upstream. */
struct peers {
    struct peer *all;
    size_t count;
    bool single; /* one primary and no backup: never marked failed */
    size_t only; /* that one */
    bool has_backup;
    bool even;       /* the primaries are of one weight, and none has a slow start */
    bool weakened;   /* failures may have lowered the weight of one */
    size_t next;     /* whose turn it is, where turns are taken by place: balance_is_even */
    uint32_t active; /* requests in flight at all of them */
    const struct balance *balance;
    void *state;         /* balance->state_size bytes, zeroed at first */
    struct list waiting; /* struct balance_waiter */
    uint32_t waiting_count;
    uint64_t overflowed; /* requests that found the queue full, or waited too long */
    pthread_mutex_t lock;

    /* The settings of the group: set them after balance_open. */
    bool revives;          /* where all rest from failures, they are asked all the same */
    uint32_t load_percent; /* of hashes: how far a server may be above its share; 0: any */
    atomic_bool
        resolving;  /* its names were never found yet: requests wait, even without a queue */
    uint32_t queue; /* how many requests may wait for a server; 0: none */
    struct retry_budget budget;
    struct outlier_settings outliers; /* {0}: none is left alone */
    bool checks;                      /* health checks tell who is ill */
    bool mandatory;                   /* a server is ill until they have passed */
    bool persistent;                  /* or have in the worker before */
    uint64_t interval_ms;             /* when theirs began */

    /* ledger.h's; NULL: nothing is known beyond this worker */
    struct ledger *ledger;
    const atomic_uint_fast64_t *news;
    uint64_t seen, settled_ms;
    bool leaves; /* the worker ends: what it counts is in the ledger at once */
};

/* A request that waits for a server; embedded in its owner, {0} at first. */
struct balance_waiter {
    struct list link;
    void (*wake)(struct balance_waiter *waiter); /* from any thread, with the lock held */
    bool waits;
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
    size_t wanted;   /* 1 + the peer that it sticks to; 0: none */
    bool is_retry;   /* set by balance_pick: it has been at a peer before */

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
    bool ejected; /* and those that did worse than others */
};

/* One way to choose a server. A new one is a file beside this, and a line in balance.c. */
struct balance {
    const char
        *name; /* the directive's word inside an upstream block; round_robin needs none */
    const char *doc;  /* one sentence; a test looks for it in gate.conf(5) */
    bool has_backups; /* server lines may say "backup" and "slow_start" */
    enum balance_key key;
    size_t state_size; /* zeroed bytes kept for each upstream; pick() alone uses them */

    /* Fills peers->state; NULL: zeros are right. RC_MEMORY, RC_LIMIT, RC_IO. */
    enum rc (*open)(struct peers *peers, struct arena *arena, struct fault *why);

    /* After peers have come or gone (absent); NULL: pick() sees it by itself. */
    void (*refresh)(struct peers *peers);

    /* Index of the chosen peer, or BALANCE_NONE. Called with the lock held. */
    size_t (*pick)(struct peers *peers, const struct balance_query *query);
};

extern const struct balance balance_hash, balance_hash_consistent, balance_hash_maglev,
    balance_ip_hash, balance_least_conn, balance_least_time_header,
    balance_least_time_header_inflight, balance_least_time_last_byte,
    balance_least_time_last_byte_inflight, balance_random, balance_random_two,
    balance_random_two_header, balance_random_two_last_byte, balance_random_two_peak_ewma,
    balance_round_robin;

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

/* May waiting help: is there a peer that it was not at, and that is not kept from it by the configuration? */
bool balance_may_come_free(struct peers *peers, const struct balance_request *request);

/* What a request's time at a peer came to. */
struct balance_result {
    bool failed; /* proxy_next_upstream names what happened, and it is not 403 or 404 */
    enum balance_outcome outcome;
    unsigned status;                        /* 0: no answer */
    uint64_t began_ms, header_ms, ended_ms; /* 0: it did not get that far */
    uint64_t sent, received;                /* bytes */
};

/* What the end of a request has just done to the peer; each is worth a warning. */
enum balance_news {
    BALANCE_NO_NEWS,
    BALANCE_DISABLED, /* by a failure, for its fail_timeout */
    BALANCE_EJECTED,  /* as an outlier: peer->outlier.why */
};

/* The request has left the peer. The first that waits is woken. */
enum balance_news balance_free(struct peers *peers, size_t index,
                               const struct balance_result *result, uint64_t now_ms);

/*
 * Slots get an address, or lose it (peer->absent), between these two. `changed`: some did; whoever waits
 * for a server looks again.
 */
void balance_lock(struct peers *peers);
void balance_enter(struct peers *peers, size_t index, struct span place,
                   uint64_t now_ms); /* peer->key is there now, at `place`: ledger_bind */
void balance_part(struct peers *peers, size_t index, uint64_t now_ms);
void balance_unlock_changed(struct peers *peers, bool changed);

/* A health check has come to an end; whether that changes anything is for the one who asks to say. */
void balance_count_check(struct peers *peers, size_t index, bool is_well, uint64_t now_ms);

/* A health check has found out how the peer is, and why. True: it was otherwise before. */
bool balance_set_health(struct peers *peers, size_t index, bool is_well, const char *why,
                        uint64_t now_ms);

/*
 * The worker begins: what others knew of these servers holds. The settings of the group and each peer->key
 * must be there.
 */
void balance_remember(struct peers *peers, struct ledger *ledger, uint64_t now_ms);

/* The worker ends, but for the requests that it has: what it counted and counts is for the next one. */
void balance_leave(struct peers *peers, uint64_t now_ms);

/* May a request that has failed at one peer go to another? Takes from the group's budget. */
bool balance_may_retry(struct peers *peers, uint64_t now_ms);

/*
 * Puts the request at the end of the queue, or at its beginning when it was woken in vain. False: the queue is
 * full. After balance_unwait it is not woken.
 */
bool balance_wait(struct peers *peers, struct balance_waiter *waiter, bool again);
void balance_unwait(struct peers *peers, struct balance_waiter *waiter, bool in_vain);

/* How a peer stands: for people. */
enum peer_state {
    PEER_UP,
    PEER_STARTING, /* slow start */
    PEER_FULL,     /* as many requests as max_conns allows */
    PEER_RESTING,  /* failures have disabled it for fail_timeout */
    PEER_EJECTED,  /* as an outlier */
    PEER_ILL,      /* a health check says so */
    PEER_DRAINING,
    PEER_DOWN,
    PEER_STATES
};
enum peer_state balance_state(const struct peer *peer, uint64_t now_ms);
const char *balance_state_name(enum peer_state state);

/* The weight in 1/256: less than the server line says while it starts slowly. */
uint64_t balance_weight(const struct peer *peer, uint64_t now_ms);

/* For pick() of a balancer: is the peer of that group, up, below its limits and not yet tried?
 */
bool balance_is_usable(const struct peers *peers, size_t index,
                       const struct balance_query *query);

/*
 * For pick() of those that take turns: all weigh the same now. Then credits would come to the order of the places, which needs no
 * look at all of them: peers->next is whose turn it is.
 */
bool balance_is_even(struct peers *peers, const struct balance_query *query);

/* For pick() of those with a better idea: no key, too many misses, or others than the primaries in health. */
bool balance_takes_turns(const struct peers *peers, const struct balance_query *query);

/* The same, and for hashes: it is not further above its share of the load than the group allows. */
bool balance_has_room(const struct peers *peers, size_t index,
                      const struct balance_query *query);

/*
 * For pick() of those that take turns: the peer's credit grows by its effective weight (in 1/256), which
 * is returned, and which itself recovers by one.
 */
int64_t balance_earn(struct peer *peer, uint64_t now_ms);

#endif
