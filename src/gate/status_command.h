/* "gate status": asks the running gate how its upstreams do, at the configuration's status location. */
#ifndef GATE_STATUS_COMMAND_H
#define GATE_STATUS_COMMAND_H

#include "base/text.h"
#include "gate/site.h"

/*
 * Adds a table to `out`, or what the location says as it is (`json`).
 *
 * RC_NOT_FOUND  no location has "status;", or none that can be asked without TLS
 * RC_IO         nobody answers there
 * RC_DENIED     the answer is a refusal
 */
enum rc status_command(const struct site *site, bool json, struct text *out,
                       struct fault *why);

#endif
