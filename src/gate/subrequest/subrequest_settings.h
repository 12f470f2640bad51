/* What a location asks of other locations: for permission, for company, or for what stands around a body. */
#ifndef GATE_SUBREQUEST_SUBREQUEST_SETTINGS_H
#define GATE_SUBREQUEST_SUBREQUEST_SETTINGS_H

#include "gate/respond/type_list.h"

/* auth_request_set: a variable that gets what the answer's variables come to. */
struct subrequest_set {
    uintptr_t variable; /* as rewrite_code.variable */
    struct template value;
};

struct subrequest_settings {
    struct span auth; /* auth_request; empty: none */
    const struct subrequest_set *sets;
    size_t sets_count;
    const struct span *mirrors;
    size_t mirrors_count;
    bool mirror_body;
    struct span before, after; /* add_before_body, add_after_body; empty: none */
    struct type_list addition_types;
    struct span after_all; /* post_action; empty: none */
};

/* Their directives: parts are struct subrequest_settings. */
extern const struct directive subrequest_directives[];

#endif
