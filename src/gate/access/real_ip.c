#include "gate/access/real_ip.h"

bool real_ip_trusts(const struct real_ip_trust *trust, const struct address *address)
{
    const struct cidr_address of = cidr_address_of(address);

    if (of.bits == 0)
        return trust->unix_sockets;
    for (size_t i = 0; i < trust->count; i++)
        if (cidr_has(&trust->blocks[i], &of))
            return true;
    return false;
}

static bool is_between(uint8_t c)
{
    return c == ' ' || c == ',';
}

/* The last member, without which `list` then is. */
static struct span cut_last(struct span *list)
{
    size_t end = list->len, at;

    while (end > 0 && is_between(list->at[end - 1]))
        end--;
    for (at = end; at > 0 && !is_between(list->at[at - 1]);)
        at--;
    list->len = at;
    return span_of(list->at + at, end - at);
}

bool real_ip_find(const struct real_ip_trust *trust, struct span list, bool recursive,
                  struct address *address)
{
    bool found = false;

    while (list.len > 0 && real_ip_trusts(trust, address)) {
        struct span member = cut_last(&list);
        struct address made;

        if (address_from_literal(member, 0, &made) != RC_OK &&
            address_parse(member, &made) != RC_OK)
            break;
        if (made.any.sa_family == AF_UNIX)
            break;
        *address = made;
        found = true;
        if (!recursive)
            break;
    }
    return found;
}
