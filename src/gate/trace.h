/* Somebody who looks on while a request finds its way: gate explain. A service that serves has none. */
#ifndef GATE_TRACE_H
#define GATE_TRACE_H

#include <stdbool.h>

#include "gate/conf/tree.h"

struct request;

struct trace {
    /* What was decided, and the statement that decided it, or NULL. */
    void (*note)(struct trace *trace, const struct conf_node *node, const char *what);

    /* Before each step of the way. False: it ends here. */
    bool (*goes_on)(struct trace *trace, struct request *r);
};

#endif
