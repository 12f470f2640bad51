#include "gate/upstream/authority.h"

#include <stdio.h>

#include "base/units.h"

enum {
    ADDRESSES_MAX = 64, /* of one name */
    HOST_MAX = 255,
    SLOTS = 16, /* addresses of one name that is asked for again and again */
    SLOTS_SERVICE = 32,
};

/* "unix:/path" or "unix:/path:/uri" */
static const char *parse_path(struct span text, struct authority *authority)
{
    struct span rest = text;

    span_cut(&rest, strlen("unix:"));
    rest = span_of(text.at, strlen("unix:") + span_find(rest, ':'));
    *authority = (struct authority){.host = rest, .is_path = true};
    if (rest.len == strlen("unix:"))
        return "no path in the unix domain socket";
    if (rest.len - strlen("unix:") >= sizeof((struct sockaddr_un *)0)->sun_path)
        return "too long path in the unix domain socket";
    span_cut(&text, rest.len + 1);
    authority->uri = text;
    return NULL;
}

/* Where the host ends: behind the ']' of an IPv6 literal, or at ':', '/' or '?'. */
static size_t host_len(struct span text)
{
    size_t len = 0;

    if (text.len > 0 && text.at[0] == '[') {
        len = span_find(text, ']');
        return len < text.len ? len + 1 : len;
    }
    while (len < text.len && !strchr(":/?", text.at[len]))
        len++;
    return len;
}

static size_t port_len(struct span text)
{
    size_t len = 0;

    while (len < text.len && text.at[len] != '/' && text.at[len] != '?')
        len++;
    return len;
}

const char *authority_parse(struct span text, struct authority *authority)
{
    uint64_t port = 0;
    struct address literal;

    if (span_starts(text, SPAN("unix:")))
        return parse_path(text, authority);
    *authority = (struct authority){.host = span_cut(&text, host_len(text))};
    if (text.len > 0 && text.at[0] == ':') {
        span_cut(&text, 1);
        authority->port_text = span_cut(&text, port_len(text));
        if (units_parse_number(authority->port_text, UINT16_MAX, &port) != RC_OK || port == 0)
            return "invalid port";
        authority->port = (uint16_t)port;
    }
    authority->uri = text;
    if (authority->host.len == 0)
        return "no host";
    if (authority->host.len > HOST_MAX ||
        (text.len > 0 && text.at[0] != '/' && text.at[0] != '?'))
        return "invalid host";
    if (authority->host.at[0] == '[' && authority->host.at[authority->host.len - 1] != ']')
        return "invalid host";
    if (authority->host.at[0] == '[') {
        char whole[HOST_MAX + 8];

        snprintf(whole, sizeof whole, "%.*s:80", SPAN_ARG(authority->host));
        if (address_parse(span_text(whole), &literal) != RC_OK)
            return "invalid IPv6 address";
    }
    return NULL;
}

/* The addresses of the authority; *count 0 and a reason where there are none. */
static enum rc look_up(const struct authority *authority, uint16_t port, struct address *found,
                       size_t *count, struct fault *why)
{
    char whole[HOST_MAX + 16];

    *count = 0;
    if (authority->is_path) {
        if (address_parse(authority->host, &found[0]) != RC_OK)
            return fail(why, RC_FORMAT, "no path of a socket");
        *count = 1;
        return RC_OK;
    }
    snprintf(whole, sizeof whole, "%.*s:%u", SPAN_ARG(authority->host), port);
    if (address_parse(span_text(whole), &found[0]) == RC_OK) {
        *count = 1;
        return RC_OK;
    }
    snprintf(whole, sizeof whole, "%.*s", SPAN_ARG(authority->host));
    return address_look_up(whole, port, found, ADDRESSES_MAX, count, why);
}

static enum rc add_address(struct conf *conf, struct upstream_settings *upstream,
                           const struct server_address *model, const struct address *address)
{
    struct server_address *made =
        conf_add(conf, (void **)&upstream->addresses, &upstream->count, sizeof *made);
    char text[ADDRESS_TEXT];

    if (!made)
        return RC_MEMORY;
    *made = *model;
    if (!address) {
        made->name = model->server;
        return RC_OK;
    }
    made->address = *address;
    made->name = arena_copy(conf->arena, address_text(address, text, false));
    return made->name.at ? RC_OK : conf_no_memory(conf);
}

/* "_http._tcp.HOST" of "http", "NAME.HOST" of a name with dots or a "_". */
static struct span service_name(struct conf *conf, struct span host, struct span service)
{
    bool whole = service.at[0] == '_' || span_find(service, '.') < service.len;

    return span_text(arena_printf(conf->arena, whole ? "%.*s.%.*s" : "_%.*s._tcp.%.*s",
                                  SPAN_ARG(service), SPAN_ARG(host)));
}

enum rc authority_add_lookup(struct conf *conf, struct span text,
                             const struct authority *authority, uint16_t port,
                             struct span service, const struct server_address *model,
                             struct upstream_settings *upstream)
{
    struct server_lookup made = {
        .host = authority->host, .port = port, .first = upstream->count};
    struct server_address like = *model;
    struct server_lookup *lookup;
    enum rc rc = RC_OK;

    like.server = text;
    made.count = service.len > 0 ? SLOTS_SERVICE : SLOTS;
    if (service.len > 0 && !(made.service = service_name(conf, made.host, service)).at)
        return conf_no_memory(conf);
    for (size_t i = 0; i < made.count && rc == RC_OK; i++)
        rc = add_address(conf, upstream, &like, NULL);
    if (rc != RC_OK)
        return rc;
    lookup =
        conf_add(conf, (void **)&upstream->lookups, &upstream->lookups_count, sizeof *lookup);
    if (!lookup)
        return RC_MEMORY;
    *lookup = made;
    return RC_OK;
}

enum rc authority_add(struct conf *conf, size_t i, struct span text,
                      const struct authority *authority, uint16_t port,
                      const struct server_address *model, struct upstream_settings *upstream)
{
    struct address found[ADDRESSES_MAX];
    struct server_address like = *model;
    struct fault why = {0};
    size_t count;
    enum rc rc = look_up(authority, port, found, &count, &why);

    like.server = text;
    if (rc != RC_OK && conf->strict)
        return conf_fail(conf, i, why.text, "host not found in upstream \"%.*s\"",
                         SPAN_ARG(text));
    if (rc != RC_OK || count == 0) {
        conf_warn(conf, i, why.text,
                  "host not found in upstream \"%.*s\", gate keeps asking for it",
                  SPAN_ARG(text));
        return authority_add_lookup(conf, text, authority, port, (struct span){0}, model,
                                    upstream);
    }
    rc = RC_OK;
    for (size_t a = 0; a < count && rc == RC_OK; a++)
        rc = add_address(conf, upstream, &like, &found[a]);
    return rc;
}
