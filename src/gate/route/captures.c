#include "gate/conf/regex.h"
#include "gate/route/location.h"

bool captures_number(const struct captures *captures, unsigned number, struct span *value)
{
    uint32_t from, to;

    if (number >= captures->count)
        return false;
    from = captures->at[2 * number];
    to = captures->at[2 * number + 1];
    if (from > to || to > captures->subject.len) /* also a group that took no part */
        return false;
    *value = span_of(captures->subject.at + from, to - from);
    return true;
}

bool captures_named(const struct captures *captures, struct span name, struct span *value)
{
    int number = captures->regex ? regex_group(captures->regex, name) : -1;

    return number >= 0 && captures_number(captures, (unsigned)number, value);
}
