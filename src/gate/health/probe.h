/* One question to one server, whether it is well. */
#ifndef GATE_HEALTH_PROBE_H
#define GATE_HEALTH_PROBE_H

#include "gate/health/health_settings.h"
#include "gate/tls/tls_client.h"
#include "io/address.h"
#include "io/loop.h"
#include "io/stream.h"

enum { PROBE_FIELDS = 64, PROBE_BUFFER = 64 * 1024 };

struct probe_target {
    const struct health_check *check;
    struct address address;
    struct span host;       /* for the Host field */
    struct tls_client *tls; /* NULL: plain */
    struct span tls_name;
};

/* Embedded in its owner; {0} is one that does not run. */
struct probe {
    struct watch watch;
    struct timer timer;
    struct stream stream;
    struct loop *loop;
    const struct probe_target *target;
    void (*done)(struct probe *probe, enum rc rc,
                 const struct fault *why); /* RC_OK: it is well; RC_MEMORY: nobody was asked */
    enum { PROBE_IDLE, PROBE_CONNECT, PROBE_SEND, PROBE_RECEIVE, PROBE_KEPT } phase;
    bool readable, writable, ended;
    bool reused; /* the connection has served before, and may have ended since */
    bool whole;  /* the answer is all that came, and more may be asked */
    struct address to;
    uint64_t opened_ms;
    size_t sent, got;
    uint8_t *buffer; /* while it runs: PROBE_BUFFER */
};

/* Asks, over the connection that was kept of the last time where there is one; `done` is called once, perhaps at once. */
void probe_begin(struct probe *probe, struct loop *loop, const struct probe_target *target,
                 void (*done)(struct probe *probe, enum rc rc, const struct fault *why));

/* After it `done` is not called, and no connection is kept. Harmless when it does not run. */
void probe_cancel(struct probe *probe);

#endif
