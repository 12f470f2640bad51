/* What a location says of its limits: limit_req, limit_conn, limit_rate, and their zones. */
#ifndef GATE_LIMIT_LIMIT_SETTINGS_H
#define GATE_LIMIT_LIMIT_SETTINGS_H

#include "gate/conf/directive.h"
#include "gate/zone/zones.h"

struct limit_req_line {
    const struct zone_line *zone;
    uint64_t burst, delay; /* thousandths of a request; delay UINT64_MAX: none */
};

struct limit_conn_line {
    const struct zone_line *zone;
    uint32_t most;
};

struct limit_settings {
    struct zones *zones; /* of the site */
    const struct limit_req_line *reqs;
    size_t reqs_count;
    const struct limit_conn_line *conns;
    size_t conns_count;
    unsigned req_log_level, conn_log_level; /* enum log_level */
    uint64_t req_status, conn_status;
    bool req_dry_run, conn_dry_run;
    struct template rate, rate_after; /* bytes a second; 0: any */
};

/* Their directives: parts are struct limit_settings. */
extern const struct directive limit_directives[];

#endif
