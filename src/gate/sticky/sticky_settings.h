/* "sticky" of an upstream block: by what the requests of one session are told, which stay with their server. */
#ifndef GATE_STICKY_STICKY_SETTINGS_H
#define GATE_STICKY_STICKY_SETTINGS_H

#include "gate/conf/directive.h"
#include "gate/zone/zones.h"

enum sticky_kind { STICKY_NONE, STICKY_COOKIE, STICKY_ROUTE, STICKY_LEARN };

struct sticky_settings {
    enum sticky_kind kind;

    /* cookie */
    struct span name;
    struct span domain, path; /* empty: not said */
    bool expires, expires_max;
    uint64_t expires_s;
    bool http_only, secure;
    struct template same_site; /* empty: not said */

    /* route, and what learn looks up: the first that is not empty counts */
    const struct template *lookup;
    size_t lookup_count;

    /* learn */
    const struct template *create;
    size_t create_count;
    struct zone_line *zone;
    uint64_t timeout_ms;
};

/* Reads "sticky ..." into `s`; `zones` are the site's. */
enum rc sticky_settings_parse(struct conf *conf, struct zones *zones,
                              struct sticky_settings *s);

#endif
