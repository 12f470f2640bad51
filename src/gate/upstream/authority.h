/* Where requests go: "HOST[:PORT][/URI]" and "unix:/PATH[:/URI]", and the addresses behind it. */
#ifndef GATE_UPSTREAM_AUTHORITY_H
#define GATE_UPSTREAM_AUTHORITY_H

#include "gate/upstream/proxy_settings.h"

struct authority {
    struct span host;      /* with the brackets of an IPv6 literal; for a path: "unix:/PATH" */
    struct span port_text; /* empty where none is written */
    uint16_t port;         /* 0 likewise */
    struct span uri;       /* from '/' or '?' on; empty where none is written */
    bool is_path;
};

/* nginx's words for what is wrong, or NULL. */
const char *authority_parse(struct span text, struct authority *authority);

/*
 * Looks it up and adds one server_address for each of its addresses to `upstream`, all like `model`.
 * `text` is how the configuration names it, at word i of the directive that is being read. A name that is
 * not found is an error as nginx; as gate a warning, and the server is down.
 */
enum rc authority_add(struct conf *conf, size_t i, struct span text,
                      const struct authority *authority, uint16_t port,
                      const struct server_address *model, struct upstream_settings *upstream);

/*
 * Slots for the addresses that the authority's host will have (`service` not empty: those of its SRV records), all
 * like `model`.
 */
enum rc authority_add_lookup(struct conf *conf, struct span text,
                             const struct authority *authority, uint16_t port,
                             struct span service, const struct server_address *model,
                             struct upstream_settings *upstream);

#endif
