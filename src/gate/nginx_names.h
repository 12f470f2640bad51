/* The names of nginx's directives, so that one that gate lacks is told from one that nobody knows. */
#ifndef GATE_NGINX_NAMES_H
#define GATE_NGINX_NAMES_H

#include "base/span.h"

bool nginx_names_has(struct span name);

/* What to do instead of a directive of a module that gate does not have, nginx's or a well-known one of others; NULL
 * for one that may come, and for all others. */
const char *nginx_names_advice(struct span name);

/* The i-th of all, in their order; NULL behind the last. */
const char *nginx_names_at(size_t i);

#endif
