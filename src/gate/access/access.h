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

enum access_verdict { ACCESS_NO_RULE, ACCESS_ALLOWED, ACCESS_DENIED };

/* What the first rule that fits says. */
enum access_verdict access_asks(const struct access_rule *rules, size_t count,
                                const struct address *address);

#endif
