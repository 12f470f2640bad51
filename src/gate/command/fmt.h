/* "gate fmt": configurations, laid out. */
#ifndef GATE_COMMAND_FMT_H
#define GATE_COMMAND_FMT_H

#include "base/fault.h"

/*
 * The words behind "fmt", which are moved about. Without --write or --check what comes of the files, or of standard
 * input, goes to standard output.
 *
 * Returns the program's exit status; a `why` with a text is to be told.
 */
int fmt_run(char **words, int count, struct fault *why);

#endif
