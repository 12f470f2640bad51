/* The names of nginx's directives, so that one that gate lacks is told from one that nobody knows. */
#ifndef GATE_NGINX_NAMES_H
#define GATE_NGINX_NAMES_H

#include "base/span.h"

bool nginx_names_has(struct span name);

#endif
