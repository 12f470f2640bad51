/* The file that says which process is the master. */
#ifndef GATE_COMMAND_PID_FILE_H
#define GATE_COMMAND_PID_FILE_H

#include <sys/types.h>

#include "base/fault.h"

/* RC_IO: 'open() "/run/gate.pid" failed (13: Permission denied)' */
enum rc pid_file_write(const char *path, struct fault *why);

/* RC_IO as above; RC_FORMAT: 'invalid PID number "" in "/run/gate.pid"' */
enum rc pid_file_read(const char *path, pid_t *pid, struct fault *why);

/* Can it be written? It is left as it was. */
enum rc pid_file_test(const char *path, struct fault *why);

void pid_file_remove(const char *path);

#endif
