/* Who may ask: allow and deny by the client's address, the first rule that fits. Knows no request. */
#ifndef GATE_ACCESS_ACCESS_H
#define GATE_ACCESS_ACCESS_H

#include "gate/access/cidr.h"

enum access_whom { ACCESS_ALL, ACCESS_UNIX, ACCESS_BLOCK };

struct access_rule {
    enum access_whom whom;
    struct cidr block; /* of ACCESS_BLOCK */
    bool deny;
};

/* Is the address refused? One that no rule fits is not. */
bool access_denies(const struct access_rule *rules, size_t count,
                   const struct address *address);

#endif
