#include "io/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>

#include "base/units.h"

static enum rc parse_path(struct span path, struct address *address)
{
    *address = (struct address){.path.sun_family = AF_UNIX};
    if (path.len == 0 || memchr(path.at, '\0', path.len))
        return RC_FORMAT;
    if (path.len >= sizeof address->path.sun_path)
        return RC_LIMIT;
    memcpy(address->path.sun_path, path.at, path.len);
    address->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
    return RC_OK;
}

enum rc address_from_literal(struct span host, uint16_t port, struct address *address)
{
    char text[INET6_ADDRSTRLEN];

    if (host.len >= 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
        host = span_of(host.at + 1, host.len - 2);
    if (host.len >= sizeof text || span_find(host, '\0') < host.len)
        return RC_FORMAT;
    snprintf(text, sizeof text, "%.*s", SPAN_ARG(host));
    *address = (struct address){0};
    if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(port);
        address->len = sizeof address->v4;
        return RC_OK;
    }
    *address = (struct address){0};
    if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(port);
        address->len = sizeof address->v6;
        return RC_OK;
    }
    return RC_FORMAT;
}

enum rc address_parse(struct span text, struct address *address)
{
    struct span host = text;
    uint64_t port;

    if (span_starts(text, SPAN("unix:")))
        return parse_path(span_of(text.at + 5, text.len - 5), address);
    while (host.len > 0 && host.at[host.len - 1] != ':')
        host.len--;
    if (host.len < 2)
        return RC_FORMAT;
    if (units_parse_number(span_of(text.at + host.len, text.len - host.len), 65535, &port) !=
            RC_OK ||
        port == 0)
        return RC_FORMAT;
    host.len--;
    if (span_find(host, ':') < host.len && host.at[0] != '[')
        return RC_FORMAT;
    return address_from_literal(host, (uint16_t)port, address);
}

static bool is_among(const struct address *address, const struct address *all, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (address_equal(address, &all[i]))
            return true;
    return false;
}

static void keep(const struct addrinfo *found, struct address *into, size_t max, size_t *count)
{
    *count = 0;
    for (; found && *count < max; found = found->ai_next) {
        struct address *next = &into[*count];

        *next = (struct address){.len = found->ai_addrlen};
        memcpy(&next->any, found->ai_addr, found->ai_addrlen);
        if (!is_among(next, into, *count))
            ++*count;
    }
}

enum rc address_look_up(const char *host, uint16_t port, struct address *into, size_t max,
                        size_t *count, struct fault *why)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
    struct addrinfo *found;
    char service[6];
    int error;

    if (max > 0 && address_from_literal(span_text(host), port, into) == RC_OK) {
        *count = 1;
        return RC_OK;
    }
    snprintf(service, sizeof service, "%u", port);
    error = getaddrinfo(host, service, &hints, &found);
    if (error != 0)
        return fail(why, RC_NOT_FOUND, "host not found: \"%s\": %s", host,
                    gai_strerror(error));
    keep(found, into, max, count);
    freeaddrinfo(found);
    return RC_OK;
}

/* "192.0.2.1". inet_ntop goes through printf for it, and every line of a log has one. */
static size_t ipv4_text(const struct in_addr *host, char text[ADDRESS_TEXT])
{
    const uint8_t *octets = (const uint8_t *)&host->s_addr;
    size_t len = 0;

    for (int i = 0; i < 4; i++) {
        const unsigned octet = octets[i];

        if (octet >= 100)
            text[len++] = (char)('0' + octet / 100);
        if (octet >= 10)
            text[len++] = (char)('0' + octet / 10 % 10);
        text[len++] = (char)('0' + octet % 10);
        text[len++] = '.';
    }
    text[--len] = '\0';
    return len;
}

/* The host into `text`, with brackets where `bracketed`; how long it is. */
static size_t host_text(const struct address *address, char text[ADDRESS_TEXT], bool bracketed)
{
    if (address->any.sa_family == AF_INET)
        return ipv4_text(&address->v4.sin_addr, text);
    inet_ntop(AF_INET6, &address->v6.sin6_addr, text + bracketed, ADDRESS_TEXT - 2);
    if (bracketed) {
        text[0] = '[';
        strcat(text, "]");
    }
    return strlen(text);
}

static size_t path_text(const struct address *address, char text[ADDRESS_TEXT], bool bare)
{
    size_t head = offsetof(struct sockaddr_un, sun_path);
    size_t len = address->len > head ? address->len - head : 0;

    return (size_t)snprintf(text, ADDRESS_TEXT, "unix:%.*s", bare ? 0 : (int)len,
                            address->path.sun_path);
}

struct span address_text(const struct address *address, char text[ADDRESS_TEXT],
                         bool without_port)
{
    size_t len;

    if (address->any.sa_family == AF_UNIX)
        return span_of(text, path_text(address, text, without_port));
    len = host_text(address, text, address->any.sa_family == AF_INET6 && !without_port);
    if (!without_port)
        len += (size_t)snprintf(text + len, ADDRESS_TEXT - len, ":%u", address_port(address));
    return span_of(text, len);
}

uint16_t address_port(const struct address *address)
{
    if (address->any.sa_family == AF_INET)
        return ntohs(address->v4.sin_port);
    return address->any.sa_family == AF_INET6 ? ntohs(address->v6.sin6_port) : 0;
}

bool address_equal(const struct address *a, const struct address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET)
        return a->v4.sin_port == b->v4.sin_port &&
               a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    if (a->any.sa_family == AF_INET6)
        return a->v6.sin6_port == b->v6.sin6_port &&
               a->v6.sin6_scope_id == b->v6.sin6_scope_id &&
               memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
    return strncmp(a->path.sun_path, b->path.sun_path, sizeof a->path.sun_path) == 0;
}
