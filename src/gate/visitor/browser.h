/* Is the client's browser a modern one or an ancient one, by the name and version that it says of itself? */
#ifndef GATE_VISITOR_BROWSER_H
#define GATE_VISITOR_BROWSER_H

#include <stdbool.h>

#include "gate/visitor/visitor_settings.h"

/* What says which browser it is; NULL where none is called so, in whatever case. */
struct browser_kind {
    const char *name; /* in the configuration */
    const char *sign; /* in User-Agent, in front of the version */
    size_t skip;      /* bytes of User-Agent that the sign is not looked for in */
};
const struct browser_kind *browser_find(struct span name);

/* "4", "4.01", up to "4000.99.99.99", as one number; false: something else stands in it. */
bool browser_parse_version(struct span text, uint64_t *version);

/* `agent`: the value of User-Agent; at is NULL where there is none. */
bool browser_is_modern(const struct browser_settings *s, struct span agent);

/* $msie: Internet Explorer, and none that another one plays. */
bool browser_is_msie(struct span agent);

#endif
