/* What a location says of who may ask. */
#ifndef GATE_ACCESS_ACCESS_SETTINGS_H
#define GATE_ACCESS_ACCESS_SETTINGS_H

#include "gate/access/access.h"
#include "gate/access/real_ip.h"
#include "gate/conf/directive.h"

enum real_ip_from { REAL_IP_FIELD, REAL_IP_PROXY_PROTOCOL };

struct access_settings {
    const struct access_rule *rules; /* in their order */
    size_t count;
    bool own;             /* while it is read: they are this context's, not the outer one's */
    unsigned satisfy_any; /* one condition of access is enough */

    struct real_ip_trust trust; /* none: addresses are those of connections */
    unsigned real_ip_from;      /* enum real_ip_from */
    struct span real_ip_name;   /* of the field, in lower case with '_' for '-' */
    bool real_ip_recursive;
};

/* Their directives: parts are struct access_settings. */
extern const struct directive access_directives[];

/* Before a context's directives are read: the first of its rules hides all of the outer context's. */
void access_settings_enter(struct access_settings *s);

#endif
