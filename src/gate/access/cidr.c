#include "gate/access/cidr.h"

#include <arpa/inet.h>

enum { V4 = 32, V6 = 128, TEXT_MAX = 64 };

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static struct cidr_address from_v6(const struct in6_addr *v6)
{
    struct cidr_address made = {.bits = V6};

    if (memcmp(v6, mapped, sizeof mapped) == 0) {
        made.bits = V4;
        memcpy(made.bytes, (const uint8_t *)v6 + sizeof mapped, 4);
    } else {
        memcpy(made.bytes, v6, sizeof *v6);
    }
    return made;
}

struct cidr_address cidr_address_of(const struct address *address)
{
    struct cidr_address made = {.bits = 0};

    if (address->any.sa_family == AF_INET6)
        return from_v6(&address->v6.sin6_addr);
    if (address->any.sa_family == AF_INET) {
        made.bits = V4;
        memcpy(made.bytes, &address->v4.sin_addr, 4);
    }
    return made;
}

static bool parse_address(struct span text, struct cidr_address *address)
{
    char copy[TEXT_MAX];

    if (text.len == 0 || text.len >= sizeof copy || memchr(text.at, 0, text.len))
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    *address = (struct cidr_address){.bits = V4};
    if (inet_pton(AF_INET, copy, address->bytes) == 1)
        return true;
    address->bits = V6;
    return inet_pton(AF_INET6, copy, address->bytes) == 1;
}

enum rc cidr_parse_address(struct span text, struct cidr_address *address)
{
    struct in6_addr v6;

    if (!parse_address(text, address))
        return RC_FORMAT;
    if (address->bits == V6) {
        memcpy(&v6, address->bytes, sizeof v6);
        *address = from_v6(&v6);
    }
    return RC_OK;
}

/* One to three digits. */
static bool parse_prefix(struct span text, unsigned most, uint8_t *prefix)
{
    unsigned value = 0;

    if (text.len == 0 || text.len > 3)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        value = value * 10 + (text.at[i] - '0');
    }
    *prefix = (uint8_t)value;
    return value <= most;
}

/* The bits of byte `i` that belong to the prefix. */
static uint8_t mask_of(uint8_t prefix, unsigned i)
{
    unsigned before = i * 8;

    if (prefix <= before)
        return 0;
    return prefix - before >= 8 ? 0xff : (uint8_t)(0xff << (8 - (prefix - before)));
}

enum rc cidr_parse(struct span text, struct cidr *cidr, bool *loose)
{
    struct span address = span_cut(&text, span_find(text, '/'));
    struct cidr made;

    *loose = false;
    if (!parse_address(address, &made.first))
        return RC_FORMAT;
    made.prefix = made.first.bits;
    if (text.len > 0) {
        span_cut(&text, 1);
        if (!parse_prefix(text, made.first.bits, &made.prefix))
            return RC_FORMAT;
    }
    for (unsigned i = 0; i < sizeof made.first.bytes; i++) {
        uint8_t kept = made.first.bytes[i] & mask_of(made.prefix, i);

        *loose = *loose || kept != made.first.bytes[i];
        made.first.bytes[i] = kept;
    }
    *cidr = made;
    return RC_OK;
}

bool cidr_has(const struct cidr *cidr, const struct cidr_address *address)
{
    const unsigned whole = cidr->prefix / 8;

    if (cidr->first.bits != address->bits ||
        memcmp(cidr->first.bytes, address->bytes, whole) != 0)
        return false;
    return cidr->prefix % 8 == 0 || ((cidr->first.bytes[whole] ^ address->bytes[whole]) &
                                     mask_of(cidr->prefix, whole)) == 0;
}
