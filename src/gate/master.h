/*
 * The process that keeps the privileges and touches no traffic: it opens the listening sockets
 * and the logs, writes the pid file, keeps one worker running, and obeys signals. On HUP it
 * reads the configuration anew and starts another worker on the same sockets; once that takes
 * connections the old one is told to finish.
 */
#ifndef GATE_MASTER_H
#define GATE_MASTER_H

#include "gate/site.h"

/*
 * Runs the site, which it takes over, until a signal ends it; returns the exit status.
 * `context` is what the site was read with, and will be again.
 */
int master_run(struct site *site, const struct site_context *context);

/*
 * What -t tries beyond the words of the configuration: logs, the pid file and the addresses
 * can be had.
 */
enum rc master_test(struct site *site, struct fault *why);

#endif
