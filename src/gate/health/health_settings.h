/* "health_check" of a location, and the match blocks that it names. */
#ifndef GATE_HEALTH_HEALTH_SETTINGS_H
#define GATE_HEALTH_HEALTH_SETTINGS_H

#include "gate/conf/directive.h"
#include "gate/health/match.h"

/* How the servers of a location's upstream are probed. */
struct health_check {
    uint64_t interval_ms, jitter_ms, timeout_ms;
    uint64_t keepalive_ms;  /* how long a connection serves; 0: each question has its own */
    uint64_t fails, passes; /* in a row, to change what a server counts as */
    struct span uri;
    bool tcp;        /* a connection is enough */
    bool mandatory;  /* a server is not asked before it has passed */
    bool persistent; /* that holds over a reload */
    uint16_t port;   /* 0: the server's own */
    const struct match *match;
    struct span match_name; /* empty: the standard one */
};

struct health_settings {
    struct health_check *check; /* of this location alone; NULL: none */
    struct matches {
        struct match *all;
        size_t count;
    } * matches; /* of the site */
};

/* Their directives: parts are struct health_settings. */
extern const struct directive health_directives[];

/* Before a location's directives are read. */
void health_settings_enter(struct health_settings *s);

/* When the http block is read: each check finds its match. `conf->node` is its location. */
enum rc health_settings_finish(struct conf *conf, const struct health_settings *s);

#endif
