#include "gate/forward/destination.h"

#include <string.h>

/* RFC 6890 and its successors; what is not for everybody. */
static const struct {
    uint8_t bytes[16], bits, prefix;
} blocks[] = {
    {{0}, 32, 8},
    {{10}, 32, 8},
    {{100, 64}, 32, 10},
    {{127}, 32, 8},
    {{168, 63, 129, 16}, 32, 32}, /* Azure's own: it tells a machine its secrets */
    {{169, 254}, 32, 16},
    {{172, 16}, 32, 12},
    {{192, 0, 0}, 32, 24},
    {{192, 0, 2}, 32, 24},
    {{192, 88, 99}, 32, 24},
    {{192, 168}, 32, 16},
    {{198, 18}, 32, 15},
    {{198, 51, 100}, 32, 24},
    {{203, 0, 113}, 32, 24},
    {{224}, 32, 4},
    {{240}, 32, 4},
    {{0}, 128, 96},                /* ::, ::1, and IPv4 in the old form */
    {{0x01}, 128, 64},             /* 100::/64 */
    {{0x20, 0x01, 0x00}, 128, 23}, /* protocol assignments, Teredo among them */
    {{0x20, 0x01, 0x0d, 0xb8}, 128, 32},
    {{0x20, 0x02}, 128, 16}, /* 6to4: IPv4 inside */
    {{0x3f, 0xff}, 128, 20}, /* documentation */
    {{0x5f}, 128, 16},       /* segment routing */
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 128, 48},
    {{0xfc}, 128, 7},
    {{0xfe, 0x80}, 128, 10},
    {{0xfe, 0xc0}, 128, 10},
    {{0xff}, 128, 8},
};

/* 64:ff9b::/96: the IPv4 address in its last bytes is what is reached. */
static bool is_translated(const struct cidr_address *address)
{
    static const uint8_t prefix[12] = {0x00, 0x64, 0xff, 0x9b};

    return address->bits == 128 && memcmp(address->bytes, prefix, sizeof prefix) == 0;
}

static bool is_private(const struct cidr_address *address)
{
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        struct cidr block = {.first = {.bits = blocks[i].bits}, .prefix = blocks[i].prefix};

        memcpy(block.first.bytes, blocks[i].bytes, sizeof blocks[i].bytes);
        if (cidr_has(&block, address))
            return true;
    }
    return false;
}

bool destination_is_private(const struct address *address)
{
    struct cidr_address a = cidr_address_of(address), inner = {.bits = 32};

    if (a.bits == 0)
        return true; /* a path is on this machine */
    if (is_translated(&a)) {
        memcpy(inner.bytes, a.bytes + 12, 4);
        return is_private(&inner);
    }
    return is_private(&a);
}

/* Without the dot that may end a name. */
static struct span bare(struct span host)
{
    if (host.len > 1 && host.at[host.len - 1] == '.')
        host.len--;
    return host;
}

static bool has_suffix(struct span host, struct span suffix)
{
    struct span end = suffix;

    if (host.len + 1 == suffix.len) {
        span_cut(&end, 1);
        return span_equal_nocase(host, end);
    }
    return host.len >= suffix.len &&
           span_equal_nocase(span_of(host.at + host.len - suffix.len, suffix.len), suffix);
}

static bool fits(const struct destination_rule *rule, const struct destination *to)
{
    struct cidr_address address = cidr_address_of(&to->address);
    struct span host = bare(to->host);
    uint32_t at[2], count;

    return (rule->host.len == 0 || span_equal_nocase(host, rule->host)) &&
           (rule->suffix.len == 0 || has_suffix(host, rule->suffix)) &&
           (!rule->regex || regex_match(rule->regex, host, at, 1, &count)) &&
           (rule->port == 0 || (rule->port <= to->port && to->port <= rule->last_port)) &&
           (!rule->has_block || cidr_has(&rule->block, &address)) &&
           (!rule->is_private || destination_is_private(&to->address));
}

bool destination_is_allowed(const struct destination_rule *rules, size_t count, bool open,
                            const struct destination *to)
{
    const uint64_t given_up = regex_given_up();

    for (size_t i = 0; i < count; i++) {
        if (fits(&rules[i], to))
            return !rules[i].deny;
        if (regex_given_up() != given_up)
            return false; /* a host that is made for it gets past no rule */
    }
    return open ||
           ((to->port == 80 || to->port == 443) && !destination_is_private(&to->address));
}
