#include "gate/access/access.h"

const struct access_rule *access_find(const struct access_rule *rules, size_t count,
                                      const struct address *address)
{
    const struct cidr_address of = cidr_address_of(address);

    for (size_t i = 0; i < count; i++) {
        const struct access_rule *rule = &rules[i];

        if (rule->whom == ACCESS_ALL || (rule->whom == ACCESS_UNIX && of.bits == 0) ||
            (rule->whom == ACCESS_BLOCK && cidr_has(&rule->block, &of)))
            return rule;
    }
    return NULL;
}
