/* gate -s: tells the running master what to do. */
#ifndef GATE_COMMAND_TELL_H
#define GATE_COMMAND_TELL_H

#include "base/fault.h"

/* The signal for "stop", "quit", "reopen" or "reload"; 0 for another word. */
int tell_signal(const char *word);

/* RC_IO, RC_FORMAT: no pid file, no number in it, or no such process. */
enum rc tell_send(const char *pid_path, int number, struct fault *why);

#endif
