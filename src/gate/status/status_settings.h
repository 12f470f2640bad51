/* "status;": a location that tells how the upstreams do. */
#ifndef GATE_STATUS_STATUS_SETTINGS_H
#define GATE_STATUS_STATUS_SETTINGS_H

#include "gate/conf/directive.h"

struct status_settings {
    bool tells; /* this location, not those inside it */
};

/* Their directives: parts are struct status_settings. */
extern const struct directive status_directives[];

#endif
