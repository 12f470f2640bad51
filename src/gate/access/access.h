/* Who may ask: allow and deny by the client's address, the first rule that fits. Knows no request. */
#ifndef GATE_ACCESS_ACCESS_H
#define GATE_ACCESS_ACCESS_H

#include "gate/access/cidr.h"

enum access_whom { ACCESS_ALL, ACCESS_UNIX, ACCESS_BLOCK };

struct conf_node; /* conf/tree.h */

struct access_rule {
    enum access_whom whom;
    struct cidr block; /* of ACCESS_BLOCK */
    bool deny;
    const struct conf_node *node; /* the directive in the configuration */
};

/* The first rule that fits the address; NULL: none does, and it is not refused. */
const struct access_rule *access_find(const struct access_rule *rules, size_t count,
                                      const struct address *address);

#endif
