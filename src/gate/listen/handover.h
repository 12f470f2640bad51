/*
 * Listening sockets that a running program leaves to the next one: a variable of the environment names them, as nginx has it, so
 * that either may follow the other.
 */
#ifndef GATE_LISTEN_HANDOVER_H
#define GATE_LISTEN_HANDOVER_H

#include "base/text.h"
#include "gate/listen/listen_sockets.h"

#define HANDOVER_VARIABLE "NGINX" /* "5;6;" */

/* In the child that is to become the next program: exec(2) leaves them open. */
enum rc handover_write(const struct listen_sockets *sockets, struct text *out,
                       struct fault *why);

/*
 * Takes those that `text` names, for listen_sockets_open to keep. A number that is no listening socket is left alone, and told.
 * RC_MEMORY.
 */
enum rc handover_read(struct span text, struct listen_sockets *out, struct fault *why);

#endif
