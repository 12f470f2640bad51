/* The process behind an open volume: how it begins, how it says that all is well, how it is
 * guarded. */
#ifndef KEEP_MOUNT_DAEMON_H
#define KEEP_MOUNT_DAEMON_H

#include <stdbool.h>

#include "base/fault.h"

struct daemon {
    int report; /* -1: in the foreground, nobody waits */
};

/*
 * Returns in a child; the parent stays until the child reports or ends, and exits with its
 * status. So the child owns the terminal until then. In the foreground nothing is forked.
 * SIGPIPE and SIGXFSZ are ignored from then on.
 */
enum rc daemon_begin(struct daemon *daemon, bool foreground, struct fault *why);

/* Lets the parent exit with status 0, and the terminal go. */
void daemon_report(struct daemon *daemon);

/* No core dumps, no debuggers of the same user; called before the first secret. */
void daemon_hide(void);

/* SIGTERM, SIGINT, SIGHUP and SIGCHLD come by this descriptor from now on, and so never interrupt a
 * request; -1 where there is none. */
int daemon_watch_signals(void);

/*
 * Memory that is not swapped out and a process that is not chosen when memory is short: others
 * write through it. All as far as it is permitted.
 */
void daemon_guard(void);

#endif
