#include "gate/upstream/proxy_pass.h"

#include "gate/upstream/authority.h"
#include "gate/upstream/upstream_block.h"
#include "gate/upstream/upstream_list.h"

enum { PORT_HTTP = 80, PORT_HTTPS = 443 };

/* Cuts "http://" or "https://" off, in any case of letters. */
static bool cut_scheme(struct span *url, bool *tls)
{
    struct span http = span_of(url->at, url->len < 7 ? url->len : 7);
    struct span https = span_of(url->at, url->len < 8 ? url->len : 8);

    *tls = span_equal_nocase(https, SPAN("https://"));
    if (!*tls && !span_equal_nocase(http, SPAN("http://")))
        return false;
    span_cut(url, *tls ? 8 : 7);
    return true;
}

/* "$x" anywhere: what the URL means is known when a request is there. */
static enum rc set_dynamic(struct conf *conf, struct proxy_pass *pass)
{
    struct template *t = arena_take(conf->arena, sizeof *t);
    enum rc rc;

    if (!t)
        return conf_no_memory(conf);
    if ((rc = conf_template(conf, 1, conf_word(conf, 1), t)) != RC_OK)
        return rc;
    pass->dynamic = t;
    return RC_OK;
}

/* $proxy_host and $proxy_port. */
static enum rc name_host(struct conf *conf, struct proxy_pass *pass,
                         const struct authority *authority)
{
    uint16_t usual = pass->tls ? PORT_HTTPS : PORT_HTTP;
    uint16_t port = authority->port ? authority->port : usual;

    if (authority->is_path) {
        pass->host = SPAN("localhost");
        return RC_OK;
    }
    pass->host = authority->host;
    pass->port = span_text(arena_printf(conf->arena, "%u", port));
    if (port != usual)
        pass->host =
            span_text(arena_printf(conf->arena, "%.*s:%u", SPAN_ARG(authority->host), port));
    return pass->host.at && pass->port.at ? RC_OK : conf_no_memory(conf);
}

/* The upstream of that name, or one made of the host's addresses. `text`: "host:port", as written. */
static enum rc find_upstream(struct conf *conf, struct proxy_settings *s, struct span text,
                             const struct authority *authority)
{
    struct upstream_settings *upstream =
        upstream_list_find(s->upstreams, authority->host, false);
    uint16_t port = authority->port ? authority->port : s->pass.tls ? PORT_HTTPS : PORT_HTTP;
    struct server_address model = {.weight = 1, .max_fails = 1, .fail_timeout_ms = 10000};
    char *key;

    if (upstream && authority->port)
        return conf_fail(conf, 1, "its servers have ports of their own",
                         "upstream \"%.*s\" may not have port %u", SPAN_ARG(authority->host),
                         authority->port);
    if (!upstream) {
        key = arena_printf(conf->arena, "%.*s:%u", SPAN_ARG(authority->host), port);
        if (!key)
            return conf_no_memory(conf);
        upstream = upstream_list_find(s->upstreams, span_text(key), true);
        if (!upstream) {
            if (!(upstream = upstream_list_add(conf, s->upstreams, span_text(key))))
                return RC_MEMORY;
            upstream->implicit = true;
            upstream_block_standards(conf, upstream);
            if (authority_add(conf, 1, text, authority, port, &model, upstream) != RC_OK)
                return RC_FORMAT;
        }
    }
    s->pass.upstream = upstream;
    return RC_OK;
}

static enum rc set_fixed(struct conf *conf, struct proxy_settings *s)
{
    struct span url = conf_word(conf, 1), text;
    struct authority authority;
    const char *wrong;
    enum rc rc;

    if (!cut_scheme(&url, &s->pass.tls))
        return conf_fail(conf, 1, "http://HOST:PORT or https://HOST:PORT",
                         "invalid URL prefix");
    wrong = authority_parse(url, &authority);
    text = span_of(url.at,
                   url.len - authority.uri.len - (authority.is_path && authority.uri.len > 0));
    if (wrong)
        return conf_fail(conf, 1, NULL, "%s in upstream \"%.*s\"", wrong, SPAN_ARG(url));
    if (authority.uri.len > 0 && s->uri_refused)
        return conf_fail(
            conf, 1, "leave out what follows the host",
            "\"proxy_pass\" cannot have URI part in location given by regular expression, or "
            "inside "
            "named location, or inside \"if\" statement, or inside \"limit_except\" block");
    s->pass.has_uri = authority.uri.len > 0;
    s->pass.uri = authority.uri;
    if ((rc = name_host(conf, &s->pass, &authority)) != RC_OK)
        return rc;
    return find_upstream(conf, s, text, &authority);
}

enum rc proxy_pass_set(struct conf *conf, const struct directive *d, void *part)
{
    struct proxy_settings *s = part;
    struct span url = conf_word(conf, 1);

    (void)d;
    s->pass = (struct proxy_pass){.is_set = true, .url = url, .node = conf->node};
    return span_find(url, '$') < url.len ? set_dynamic(conf, &s->pass) : set_fixed(conf, s);
}
