/* SIGINT, SIGTERM and SIGHUP, which are answered between two steps and not in the midst of one. */
#ifndef KEEP_COMMAND_INTERRUPTION_H
#define KEEP_COMMAND_INTERRUPTION_H

#include <stdbool.h>

/* From here on they wait until they are asked for. */
void interruption_hold(void);
bool interruption_is_due(void);

#endif
