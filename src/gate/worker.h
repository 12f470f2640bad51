/*
 * The process that holds the traffic: one thread and one loop for each of worker_processes,
 * without privileges. Ends at once on TERM and INT, and when its connections have ended on
 * QUIT; reopens the logs on USR1.
 */
#ifndef GATE_WORKER_H
#define GATE_WORKER_H

#include <sys/types.h>

#include "gate/listen/listen_sockets.h"
#include "gate/site.h"
#include "io/process.h"

struct worker_setup {
    struct site *site;
    struct listen_sockets *sockets; /* in the order of the site's listeners, as many loops */
    const struct process_owner *owner; /* whom to become; NULL: stay as we are */
    pid_t master;                      /* to end with it; 0: there is none */
    int ready; /* a byte is written to it when connections are taken; -1: none */
};

enum {
    WORKER_ENDED = 0,
    WORKER_FAILED = 2, /* could not start: another one could not either */
};

/*
 * Returns one of these when it has ended. The signals above must be blocked; whatever it
 * opened goes with the process.
 */
int worker_run(const struct worker_setup *setup);

#endif
