/* Reads a site and tells what is wrong with its configuration. */
#ifndef GATE_SITE_LOAD_H
#define GATE_SITE_LOAD_H

#include "gate/site.h"

/*
 * site_read, and every warning and error to the log; on the terminal, while it is told of
 * things, each with its line, a caret and a hint. RC_FORMAT when it cannot be used.
 */
enum rc site_load(struct site **out, const struct site_context *context);

#endif
