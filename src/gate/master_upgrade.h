/*
 * Another program in place of the running one, as nginx has it: USR2 starts it with the same words and the listening sockets; both
 * serve until one of them is told to quit. The pid file of the first is called FILE.oldbin meanwhile.
 */
#ifndef GATE_MASTER_UPGRADE_H
#define GATE_MASTER_UPGRADE_H

#include <sys/types.h>

#include "gate/listen/listen_sockets.h"

/* `argv` is that of main; `pid_path` may be NULL. RC_IO: nothing has changed. */
enum rc upgrade_start(char *const argv[], const struct listen_sockets *sockets,
                      const char *pid_path, pid_t *pid, struct fault *why);

/* The next program has ended: the pid file has its name again. */
void upgrade_undo(const char *pid_path);

/* The running program ends, and the next one stays. */
void upgrade_finish(const char *pid_path);

/* In the next program: none where nobody left any. */
enum rc upgrade_inherit(struct listen_sockets *out, struct fault *why);

#endif
