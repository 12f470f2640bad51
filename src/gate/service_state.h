/* What the corridor (service, client, request and its steps) shares in one loop. */
#ifndef GATE_SERVICE_STATE_H
#define GATE_SERVICE_STATE_H

#include <pthread.h>

#include "gate/client.h"
#include "gate/journal/journal_turn.h"
#include "gate/service.h"
#include "gate/upstream/origin.h"

enum {
    SCRATCH_IN = 96 * 1024, /* one read of a body: 64 kB and a head fit */
    SCRATCH_OUT = 64 * 1024 /* a head that is being written */
};

struct trace;

struct service {
    struct loop *loop;
    struct site *site;
    unsigned index;
    bool draining;
    struct list clients; /* all that are open */
    size_t clients_count;
    struct list spare_clients;   /* closed ones, to be used again */
    struct client_block *blocks; /* what they were cut from */
    struct request *spare_requests;
    size_t spare_requests_count;
    struct origins *origins;
    struct resolvers *resolvers;
    struct health_watch *health; /* of the first loop; NULL: nothing is asked */
    pthread_mutex_t woken_lock;
    struct list woken; /* requests whose turn at an upstream has come: other loops add to it */
    struct gzip_stream *spare_gzip; /* the last one that was given back; NULL: none */

    struct journal_turn log_turn; /* lines of the access log; log_task writes them */
    struct task log_task;

    struct trace *trace; /* trace.h; NULL: nobody looks on */

    uint8_t *in, *out; /* SCRATCH_IN and SCRATCH_OUT bytes, for the length of one call */
};

/* A request for `client`, from the spare ones where there is one; NULL without memory. */
struct request *service_take_request(struct service *s, struct client *client);
void service_count_request(void); /* one more has begun */
void service_give_request(struct service *s, struct request *r);

/* Another loop may say that the request can go on; its own takes it up soon. */
void service_wake_request(struct service *s, struct request *r);
void service_forget_woken(struct service *s, struct request *r);

/* A client that is closed; its memory is used again from the next turn on. */
void service_give_client(struct service *s, struct client *client);

#endif
