/* Variables of the configuration: map and split_clients make them of others, "set" gives them values. */
#ifndef GATE_MAP_COMPUTED_H
#define GATE_MAP_COMPUTED_H

#include "gate/access/real_ip.h"
#include "gate/conf/directive.h"
#include "gate/map/geo.h"
#include "gate/map/map.h"
#include "gate/map/split.h"

enum computed_kind {
    COMPUTED_NONE, /* has the value that a "set" gives it */
    COMPUTED_MAP,
    COMPUTED_SPLIT,
    COMPUTED_GEO,
};

struct computed {
    struct span name; /* lower case */
    size_t index;     /* among all of the configuration: a request keeps each value once */
    enum computed_kind kind;
    bool is_volatile;       /* made anew each time it is asked for */
    struct template source; /* of a geo without one: the client's address */
    struct map map;
    struct split_part *parts;
    size_t parts_count;
    struct geo geo;
    struct real_ip_trust
        proxies; /* of a geo: who may say in X-Forwarded-For whom it is about */
    bool proxies_recursive;
    struct geo_entry *networks;
    size_t networks_count;
};

/* All of a configuration; a part of the http context, for computed_directives. */
struct computed_list {
    struct computed **all;
    size_t count;
};

extern const struct directive computed_directives[];

/* The variable that a node of the tree defines: its name in lower case, or an empty one where it defines none. */
struct span computed_name(const struct conf_node *node, struct arena *arena);

/* The one with that name, in lower case; a new one where there was none. NULL: no memory. */
struct computed *computed_add(struct computed_list *list, struct span name, struct conf *conf);

#endif
