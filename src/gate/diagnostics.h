/*
 * Where the lines of the process itself go (base/log.h): to the error logs of the main
 * context, and, while the program starts, to standard error too, as "gate: [emerg] TEXT".
 */
#ifndef GATE_DIAGNOSTICS_H
#define GATE_DIAGNOSTICS_H

#include <stdbool.h>

#include "gate/journal/journal_settings.h"

/* `program` is who speaks on standard error: "gate". Until diagnostics_to there is no log. */
void diagnostics_begin(const char *program);

/* NULL: none. The settings must stay until the next call; not while other threads log. */
void diagnostics_to(const struct journal_settings *main);

/* The start is over: lines go to the logs alone, and standard error with them. */
void diagnostics_leave_terminal(void);

/*
 * What libraries and the system write to standard error ends in the first of the logs that is a file; so whoever started the
 * program and reads its standard error to the end is let go. Once the start is over, and again after the log was opened anew.
 */
void diagnostics_redirect(void);

/* Is standard error still told? */
bool diagnostics_on_terminal(void);

#endif
