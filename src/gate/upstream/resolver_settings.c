#include "gate/upstream/resolver_settings.h"

#include <stddef.h>
#include <stdio.h>

#include "gate/conf/slot.h"
#include "gate/conf/value.h"

enum { PORT = 53, ADDRESSES_MAX = 16 };

static enum rc add_servers(struct conf *conf, size_t i, struct resolver_settings *s)
{
    struct address found[ADDRESSES_MAX], *servers = NULL, *made;
    struct span word = conf_word(conf, i);
    struct fault why = {0};
    char host[256];
    size_t count = 1;

    snprintf(host, sizeof host, "%.*s", SPAN_ARG(word));
    if (address_parse(word, &found[0]) != RC_OK &&
        address_from_literal(word, PORT, &found[0]) != RC_OK &&
        (address_look_up(host, PORT, found, ADDRESSES_MAX, &count, &why) != RC_OK))
        return conf_fail(conf, i, why.text, "host not found in resolver \"%.*s\"",
                         SPAN_ARG(word));
    for (size_t a = 0; a < count; a++) {
        if (s->servers_count > 0)
            memcpy(&servers, &s->servers, sizeof servers);
        made = conf_add(conf, (void **)&servers, &s->servers_count, sizeof *made);
        if (!made)
            return RC_MEMORY;
        *made = found[a];
        s->servers = servers;
    }
    return RC_OK;
}

static bool parse_switch(struct span word, const char *name, bool *off)
{
    span_cut(&word, strlen(name));
    *off = span_equal(word, SPAN("off"));
    return *off || span_equal(word, SPAN("on"));
}

enum rc resolver_settings_set(struct conf *conf, const struct directive *d, void *part)
{
    struct resolver_settings *s = (void *)((char *)part + d->offset);
    const uint64_t timeout_ms = s->timeout_ms;
    enum rc rc = RC_OK;

    *s = (struct resolver_settings){.is_set = true, .timeout_ms = timeout_ms};
    for (size_t i = 1; i < conf_words(conf) && rc == RC_OK; i++) {
        struct span word = conf_word(conf, i), time = word;

        if (span_starts(word, SPAN("valid="))) {
            span_cut(&time, strlen("valid="));
            if (value_parse_milliseconds(time, &s->valid_ms) != RC_OK || s->valid_ms == 0)
                return conf_fail(conf, i, NULL, "invalid parameter: %.*s", SPAN_ARG(word));
        } else if (span_starts(word, SPAN("ipv4="))) {
            if (!parse_switch(word, "ipv4=", &s->no_ipv4))
                return conf_fail(conf, i, NULL, "invalid parameter: %.*s", SPAN_ARG(word));
        } else if (span_starts(word, SPAN("ipv6="))) {
            if (!parse_switch(word, "ipv6=", &s->no_ipv6))
                return conf_fail(conf, i, NULL, "invalid parameter: %.*s", SPAN_ARG(word));
        } else if (span_starts(word, SPAN("status_zone="))) {
            conf_warn(conf, i, "leave it out",
                      "\"status_zone\" has no effect: gate counts nothing of resolvers");
        } else {
            rc = add_servers(conf, i, s);
        }
    }
    if (rc == RC_OK && s->no_ipv4 && s->no_ipv6)
        return conf_fail(conf, 0, NULL, "\"ipv4\" and \"ipv6\" cannot both be \"off\"");
    if (rc == RC_OK && s->servers_count == 0)
        return conf_fail(conf, 0, NULL, "no name servers defined");
    return rc;
}

const struct directive resolver_directives[] = {
    {"resolver", CONF_ALL_HTTP, 1, CONF_MANY, .set = resolver_settings_set,
     .doc =
         "The name servers that are asked while gate runs, each in its turn: for servers with "
         "resolve, for a proxy_pass with variables, and on the way out; with valid= answers "
         "hold that long, whatever their TTL; ipv4=off or ipv6=off leaves a family out."},
    {"resolver_timeout", CONF_ALL_HTTP, 1, 1, .set = conf_set_milliseconds,
     .offset = offsetof(struct resolver_settings, timeout_ms), .standard = "30s",
     .doc = "How long a name may take to be found."},
    {0},
};
