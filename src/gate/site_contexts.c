/* The contexts of HTTP: http, server, location, and the directives that make them what they are. */
#include <ctype.h>
#include <stdio.h>
#include <unistd.h>

#include "gate/conf/slot.h"
#include "gate/site_reader.h"

static struct conf_level open_level(unsigned context, void *part, struct settings *s,
                                    struct tls_settings *tls)
{
    struct conf_level level = {.context = context};

    level.parts[PART_CONTEXTS] = part;
    level.parts[PART_HTTP] = &s->http;
    level.parts[PART_PROXY] = level.parts[PART_PROXY_TLS] = &s->proxy;
    level.parts[PART_RESPOND] = &s->respond;
    level.parts[PART_JOURNAL] = &s->journal;
    level.parts[PART_REWRITE] = &s->rewrite;
    level.parts[PART_HEADERS] = &s->headers;
    level.parts[PART_ACCESS] = &s->access;
    level.parts[PART_AUTH] = &s->auth;
    level.parts[PART_TRANSFORM] = &s->transform;
    level.parts[PART_LISTING] = &s->listing;
    level.parts[PART_SUBREQUEST] = &s->subrequest;
    level.parts[PART_GZIP] = &s->gzip;
    level.parts[PART_LIMIT] = &s->limit;
    level.parts[PART_HEALTH] = &s->health;
    level.parts[PART_STATUS] = &s->status;
    level.parts[PART_FORWARD] = &s->forward;
    level.parts[PART_VISITOR] = &s->visitor;
    level.parts[PART_RESOLVER] = &s->resolver;
    level.parts[PART_TLS] = tls;
    return level;
}

/* What the plain directives of a context came to: before its inner contexts copy it. */
static enum rc finish_settings(struct conf *conf, struct settings *s,
                               const struct settings *outer)
{
    enum rc rc = headers_settings_finish(conf, &s->headers);

    if (rc != RC_OK)
        return rc;
    conf->ended = true;
    http_settings_finish(&s->http);
    if ((rc = auth_settings_check(conf, &s->auth)) != RC_OK ||
        (rc = transform_settings_finish(conf, &s->transform)) != RC_OK)
        return rc;
    return proxy_settings_check(conf, &s->proxy, &outer->proxy);
}

enum rc site_read_http(struct site_reader *r, const struct conf_node *nodes)
{
    struct conf_level level = open_level(CONF_HTTP, r, &r->http, &r->tls);
    struct journal_settings *journal = &r->http.journal;
    enum rc rc;

    r->http.proxy.upstreams = &r->upstreams;
    r->upstreams.zones = &r->site->zones;
    r->http.health.matches = &r->matches;
    r->http.limit.zones = &r->site->zones;
    level.parts[PART_COMPUTED] = &r->computed;
    *journal = r->site->journal;
    conf_standards(&r->conf, &level);
    if (r->conf.version < CONF_VERSION(1, 29, 7)) {
        r->http.proxy.http_version = 10;
        r->http.proxy.closes = true;
    }
    r->http.respond.types = r->site->types;
    r->http.respond.caches = &r->site->files;
    r->standards = r->http;
    if ((rc = journal_settings_begin(&r->conf, journal)) != RC_OK)
        return rc;
    if (r->context->as_nginx && !conf_nodes_have(nodes, SPAN("access_log")) &&
        (rc = journal_settings_access(&r->conf, journal,
                                      r->context->access_log ? r->context->access_log
                                                             : "logs/access.log")) != RC_OK)
        return rc;
    conf_walk(&r->conf, &level, nodes);
    site_make_listeners(r);
    return RC_OK;
}

static enum rc read_http(struct conf *conf, const struct directive *d, void *part)
{
    struct site_reader *r = part;

    (void)d;
    if (r->has_http)
        return conf_fail_value(conf, 0, "is duplicate");
    r->has_http = true;
    return site_read_http(r, conf->node->children);
}

static enum rc read_events(struct conf *conf, const struct directive *d, void *part)
{
    struct site_reader *r = part;
    struct conf_level level = {.context = CONF_EVENTS};

    (void)d;
    if (r->has_events)
        return conf_fail_value(conf, 0, "is duplicate");
    r->has_events = true;
    level.parts[PART_PROCESS] = &r->site->process;
    conf_walk(conf, &level, conf->node->children);
    return RC_OK;
}

/* A server without "listen", and one without "server_name". */
static enum rc complete_server(struct conf *conf, struct server_entry *entry)
{
    if (entry->listens_count == 0) {
        struct listen_entry *listen =
            conf_add(conf, (void **)&entry->listens, &entry->listens_count, sizeof *listen);

        if (!listen)
            return RC_MEMORY;
        listen_line_standard(&listen->line);
        listen->node = conf->node;
    }
    if (entry->names_count == 0) {
        struct name_entry *name =
            conf_add(conf, (void **)&entry->names, &entry->names_count, sizeof *name);

        if (!name)
            return RC_MEMORY;
        *name = (struct name_entry){.node = conf->node};
    }
    return RC_OK;
}

static struct server_entry *add_server(struct conf *conf, struct site_reader *r)
{
    struct server_entry *entry = arena_take(conf->arena, sizeof *entry);

    if (!entry || !(entry->server = arena_take(conf->arena, sizeof *entry->server))) {
        (void)conf_no_memory(conf);
        return NULL;
    }
    entry->node = conf->node;
    *r->last_server = entry;
    r->last_server = &entry->next;
    return entry;
}

/* "forward on" in a server: its requests pass the filter that a location's have. */
static enum rc open_way_out(struct conf *conf, struct location *outer)
{
    struct fault why = {0};

    if (outer->settings.forward.on &&
        filter_open(&outer->filter, &outer->settings.proxy, (struct span){0}, conf->arena,
                    &why) != RC_OK)
        return conf_fail(conf, 0, NULL, "%s", why.text);
    return RC_OK;
}

static enum rc read_server(struct conf *conf, const struct directive *d, void *part)
{
    struct site_reader *r = part;
    struct server_entry *entry = add_server(conf, r);
    struct server *server;
    struct conf_level level;
    enum rc rc;

    (void)d;
    if (!entry)
        return RC_MEMORY;
    server = entry->server;
    server->outer.settings = r->http;
    server->outer.server = server;
    server->outer.node = conf->node;
    server->tls = r->tls;
    level = open_level(CONF_SERVER, entry, &server->outer.settings, &server->tls);
    proxy_settings_enter(&server->outer.settings.proxy, false);
    respond_settings_enter(&server->outer.settings.respond, 0, false);
    headers_settings_enter(&server->outer.settings.headers, &r->http.headers);
    access_settings_enter(&server->outer.settings.access);
    listing_settings_enter(&server->outer.settings.listing);
    visitor_settings_enter(&server->outer.settings.visitor);
    rewrite_settings_enter(&server->outer.settings.rewrite);
    gzip_settings_enter(&server->outer.settings.gzip);
    conf_walk(conf, &level, conf->node->children);
    location_sort(&server->outer.inner);
    rewrite_settings_finish(&server->outer.settings.rewrite);
    if ((rc = complete_server(conf, entry)) != RC_OK ||
        (rc = finish_settings(conf, &server->outer.settings, &r->standards)) != RC_OK ||
        (rc = tls_settings_check(conf, &server->tls)) != RC_OK ||
        (rc = open_way_out(conf, &server->outer)) != RC_OK)
        return rc;
    return server->tls.count > 0 || server->tls.rejects
               ? site_open_server_tls(r, server->name, &server->tls)
               : RC_OK;
}

static enum rc set_listen(struct conf *conf, const struct directive *d, void *part)
{
    struct server_entry *entry = part;
    struct listen_line line;
    struct listen_entry *listen;
    enum rc rc = listen_line_parse(conf, &line);

    (void)d;
    if (rc != RC_OK)
        return rc;
    listen = conf_add(conf, (void **)&entry->listens, &entry->listens_count, sizeof *listen);
    if (!listen)
        return RC_MEMORY;
    listen->line = line;
    listen->node = conf->node;
    return RC_OK;
}

/* A copy in lower case, and whether any letter was not. */
static struct span lower(struct arena *arena, struct span s, bool *had_upper)
{
    char *copy = arena_text(arena, s);

    *had_upper = false;
    for (size_t i = 0; copy && i < s.len; i++) {
        *had_upper = *had_upper || isupper((unsigned char)copy[i]);
        copy[i] = (char)tolower((unsigned char)copy[i]);
    }
    return span_of(copy, copy ? s.len : 0);
}

static enum rc parse_name(struct conf *conf, size_t i, struct name_entry *entry)
{
    struct span word = conf_word(conf, i);
    uint8_t first = word.len > 0 ? word.at[0] : 0;
    char host[256] = "";
    bool had_upper;

    if ((first == '*' && (word.len < 3 || word.at[1] != '.')) ||
        (first == '.' && word.len < 2))
        return conf_fail(conf, i, NULL, "server name \"%.*s\" is invalid", SPAN_ARG(word));
    if (first != '~' && span_find(word, '/') < word.len)
        conf_warn(conf, i, NULL, "server name \"%.*s\" has suspicious symbols",
                  SPAN_ARG(word));
    if (span_equal(word, SPAN("$hostname")) && gethostname(host, sizeof host - 1) == 0)
        word = span_text(host);
    entry->node = conf->node;
    entry->name = lower(conf->arena, word, &had_upper);
    if (!entry->name.at)
        return conf_no_memory(conf);
    if (first != '~')
        return RC_OK;
    entry->name = word;
    if (word.len == 1)
        return conf_fail(conf, i, NULL, "empty regex in server name \"~\"");
    return conf_regex(conf, i, span_of(word.at + 1, word.len - 1), had_upper, &entry->regex);
}

/* ".example.com" is known by the name behind its dot. */
static struct span without_dot(struct span name)
{
    if (name.len > 0 && name.at[0] == '.')
        span_cut(&name, 1);
    return name;
}

static enum rc set_server_name(struct conf *conf, const struct directive *d, void *part)
{
    struct server_entry *entry = part;

    (void)d;
    for (size_t i = 1; i < conf_words(conf); i++) {
        struct name_entry made = {0}, *name;
        enum rc rc = parse_name(conf, i, &made);

        if (rc != RC_OK)
            return rc;
        name = conf_add(conf, (void **)&entry->names, &entry->names_count, sizeof *name);
        if (!name)
            return RC_MEMORY;
        *name = made;
        if (entry->names_count == 1)
            entry->server->name = without_dot(made.name);
    }
    return RC_OK;
}

static enum rc set_http2(struct conf *conf, const struct directive *d, void *part)
{
    enum rc rc = conf_set_flag(conf, d, part);

    if (rc == RC_OK && span_equal_nocase(conf_word(conf, 1), SPAN("on")))
        conf_warn(conf, 1, NULL, "HTTP/2 is not offered yet, clients are served by HTTP/1.1");
    return rc;
}

static enum rc set_internal(struct conf *conf, const struct directive *d, void *part)
{
    struct location *location = part;

    (void)conf, (void)d;
    location->internal = true;
    return RC_OK;
}

static bool cut_sign(struct span *text, const char *sign)
{
    if (!span_starts(*text, span_text(sign)))
        return false;
    span_cut(text, strlen(sign));
    return true;
}

/* "location = /x", "location =/x", "location /x" ... */
static enum rc parse_pattern(struct conf *conf, struct location_pattern *pattern)
{
    static const struct {
        const char *sign;
        enum location_kind kind;
    } kinds[] = {{"=", LOCATION_EXACT},
                 {"^~", LOCATION_PREFIX_FIRST},
                 {"~*", LOCATION_REGEX_NOCASE},
                 {"~", LOCATION_REGEX}};
    struct span sign = conf_word(conf, 1);
    bool apart = conf_words(conf) == 3;

    *pattern = (struct location_pattern){.kind = LOCATION_PREFIX,
                                         .text = conf_word(conf, apart ? 2 : 1)};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (apart ? span_equal(sign, span_text(kinds[i].sign))
                  : cut_sign(&pattern->text, kinds[i].sign)) {
            pattern->kind = kinds[i].kind;
            break;
        }
    }
    if (apart && pattern->kind == LOCATION_PREFIX)
        return conf_fail(conf, 1, "one of: =, ^~, ~, ~*", "invalid location modifier \"%.*s\"",
                         SPAN_ARG(sign));
    if (!apart && pattern->kind == LOCATION_PREFIX && pattern->text.len > 0 &&
        pattern->text.at[0] == '@')
        pattern->kind = LOCATION_NAMED;
    if (pattern->kind == LOCATION_REGEX || pattern->kind == LOCATION_REGEX_NOCASE)
        return conf_regex(conf, apart ? 2 : 1, pattern->text,
                          pattern->kind == LOCATION_REGEX_NOCASE, &pattern->regex);
    return RC_OK;
}

/* What may stand inside which. */
static enum rc check_nesting(struct conf *conf, const struct location_pattern *inner,
                             const struct location_pattern *outer)
{
    if (outer->kind == LOCATION_EXACT)
        return conf_fail(conf, 1, NULL,
                         "location \"%.*s\" cannot be inside the exact location \"%.*s\"",
                         SPAN_ARG(inner->text), SPAN_ARG(outer->text));
    if (outer->kind == LOCATION_NAMED)
        return conf_fail(conf, 1, NULL,
                         "location \"%.*s\" cannot be inside the named location \"%.*s\"",
                         SPAN_ARG(inner->text), SPAN_ARG(outer->text));
    if (inner->kind == LOCATION_NAMED)
        return conf_fail(conf, 1, NULL,
                         "named location \"%.*s\" can be on the server level only",
                         SPAN_ARG(inner->text));
    if (!inner->regex && !span_starts(inner->text, outer->text))
        return conf_fail(conf, 1, NULL, "location \"%.*s\" is outside location \"%.*s\"",
                         SPAN_ARG(inner->text), SPAN_ARG(outer->text));
    return RC_OK;
}

/* What follows from the location's own directives, all of them read. */
/* "health_check" of a location is one of its upstream. */
static enum rc attach_health(struct conf *conf, const struct settings *s)
{
    struct upstream_settings *upstream = s->proxy.pass.upstream;
    enum rc rc = health_settings_finish(conf, &s->health);

    if (rc != RC_OK || !s->health.check)
        return rc;
    if (!upstream)
        return conf_fail(conf, 0, "proxy_pass http://NAME of an upstream block",
                         "\"health_check\" needs a \"proxy_pass\" to a group of servers");
    if (upstream->health)
        return conf_fail(conf, 0, "one location's is enough",
                         "\"health_check\" of upstream \"%.*s\" is duplicate",
                         SPAN_ARG(upstream->name));
    upstream->health = s->health.check;
    upstream->health_host = s->proxy.pass.host;
    upstream->health_tls = s->proxy.pass.tls ? s->proxy.tls : NULL;
    upstream->health_tls_name = upstream->health_host;
    if (upstream->health_tls && s->proxy.ssl_name_set) {
        if (!template_is_constant(&s->proxy.ssl_name))
            return conf_fail(conf, 0, "a proxy_ssl_name without variables",
                             "\"health_check\" knows no request that \"proxy_ssl_name\" could "
                             "be made of");
        upstream->health_tls_name = template_constant(&s->proxy.ssl_name);
    }
    return RC_OK;
}

static enum rc finish_location(struct conf *conf, struct location *location,
                               const struct settings *outer)
{
    struct site_reader *r = conf->owner;
    struct settings *s = &location->settings;
    bool plain = location->pattern.kind <= LOCATION_PREFIX_FIRST;
    struct fault why = {0};
    enum rc rc;

    location_sort(&location->inner);
    rewrite_settings_finish(&s->rewrite);
    if ((rc = finish_settings(conf, s, outer)) != RC_OK)
        return rc;
    conf->ended = false;
    if (s->status.tells && !r->site->status)
        r->site->status = location;
    if (!s->proxy.pass.is_set && !s->forward.on)
        return attach_health(conf, s);
    if (filter_open(&location->filter, &s->proxy,
                    plain ? location->pattern.text : (struct span){0}, conf->arena,
                    &why) != RC_OK)
        return conf_fail(conf, 0, NULL, "%s", why.text);
    if ((s->proxy.pass.tls || s->proxy.pass.dynamic) &&
        ((rc = proxy_settings_check_tls(conf, &s->proxy)) != RC_OK ||
         (rc = site_open_client_tls(r, &s->proxy)) != RC_OK))
        return rc;
    return attach_health(conf, s);
}

static enum rc add_location(struct conf *conf, struct location *outer,
                            struct location *location)
{
    struct span text = location->pattern.text;
    bool slash = location->settings.proxy.pass.is_set && text.len > 0 &&
                 text.at[text.len - 1] == '/' &&
                 location->pattern.kind <= LOCATION_PREFIX_FIRST;

    switch (location_add(&outer->inner, &location->pattern, location, &location->inner, slash,
                         conf->arena)) {
    case RC_OK:
        return RC_OK;
    case RC_BUSY:
        if (location->pattern.kind == LOCATION_NAMED) {
            conf_warn(conf, 1, NULL, "duplicate location \"%.*s\", the first one holds",
                      SPAN_ARG(text));
            return RC_OK;
        }
        return conf_fail(conf, 1, NULL, "duplicate location \"%.*s\"", SPAN_ARG(text));
    default:
        return conf_no_memory(conf);
    }
}

static enum rc read_location(struct conf *conf, const struct directive *d, void *part)
{
    bool nested = conf->level->context == CONF_LOCATION;
    struct location *outer = nested ? part : &((struct server_entry *)part)->server->outer;
    struct location *location = arena_take(conf->arena, sizeof *location);
    struct conf_level level;
    bool is_regex;
    enum rc rc;

    (void)d;
    if (!location)
        return conf_no_memory(conf);
    if ((rc = parse_pattern(conf, &location->pattern)) != RC_OK ||
        (nested && (rc = check_nesting(conf, &location->pattern, &outer->pattern)) != RC_OK))
        return rc;
    is_regex = location->pattern.regex != NULL;
    location->settings = outer->settings;
    location->server = outer->server;
    location->node = conf->node;
    level = open_level(CONF_LOCATION, location, &location->settings, NULL);
    proxy_settings_enter(&location->settings.proxy,
                         is_regex || location->pattern.kind == LOCATION_NAMED);
    respond_settings_enter(&location->settings.respond,
                           is_regex ? SIZE_MAX : location->pattern.text.len,
                           location->pattern.kind == LOCATION_NAMED);
    headers_settings_enter(&location->settings.headers, &outer->settings.headers);
    access_settings_enter(&location->settings.access);
    listing_settings_enter(&location->settings.listing);
    visitor_settings_enter(&location->settings.visitor);
    rewrite_settings_enter(&location->settings.rewrite);
    gzip_settings_enter(&location->settings.gzip);
    health_settings_enter(&location->settings.health);
    location->settings.status.tells = false;
    conf_walk(conf, &level, conf->node->children);
    if ((rc = finish_location(conf, location, &outer->settings)) != RC_OK)
        return rc;
    return add_location(conf, outer, location);
}

static enum rc read_methods(struct conf *conf, struct location *location)
{
    static const char *const known[] = {"GET",   "HEAD",   "POST",  "PUT",       "DELETE",
                                        "MKCOL", "COPY",   "MOVE",  "OPTIONS",   "PROPFIND",
                                        "LOCK",  "UNLOCK", "PATCH", "PROPPATCH", "CONNECT"};

    for (size_t i = 1; i < conf_words(conf); i++) {
        struct span word = conf_word(conf, i), *slot;
        size_t k = 0;

        while (k < sizeof known / sizeof *known &&
               !span_equal_nocase(word, span_text(known[k])))
            k++;
        if (k == sizeof known / sizeof *known)
            return conf_fail(conf, i, NULL, "invalid method \"%.*s\"", SPAN_ARG(word));
        for (size_t also = 0; also <= (k == 0 ? 1 : 0); also++) { /* GET allows HEAD */
            slot = conf_add(conf, (void **)&location->methods, &location->methods_count,
                            sizeof *slot);
            if (!slot)
                return RC_MEMORY;
            *slot = span_text(known[k + also]);
        }
    }
    return RC_OK;
}

/* The settings of a location's "if": a location within it, for what is not an instruction. */
static struct location *open_if(struct conf *conf, struct location *outer)
{
    struct location *location = arena_take(conf->arena, sizeof *location);

    if (!location) {
        (void)conf_no_memory(conf);
        return NULL;
    }
    location->pattern = outer->pattern;
    location->settings = outer->settings;
    location->server = outer->server;
    location->node = conf->node;
    location->internal = outer->internal;
    location->settings.proxy.uri_refused = true;
    respond_settings_enter(&location->settings.respond, 0, false);
    headers_settings_enter(&location->settings.headers, &outer->settings.headers);
    access_settings_enter(&location->settings.access);
    rewrite_settings_enter(&location->settings.rewrite);
    gzip_settings_enter(&location->settings.gzip);
    health_settings_enter(&location->settings.health);
    location->settings.status.tells = false;
    return location;
}

/* "limit_except METHOD ... { }": settings for all other methods. */
static enum rc read_limit_except(struct conf *conf, const struct directive *d, void *part)
{
    struct location *outer = part, *location;
    struct conf_level level;
    enum rc rc;

    (void)d;
    if (outer->except)
        return conf_fail_value(conf, 0, "is duplicate");
    if ((rc = read_methods(conf, outer)) != RC_OK)
        return rc;
    if (!(location = open_if(conf, outer)))
        return RC_MEMORY;
    level = open_level(CONF_LIMIT_EXCEPT, location, &location->settings, NULL);
    conf_walk(conf, &level, conf->node->children);
    outer->except = location;
    return finish_location(conf, location, &outer->settings);
}

static enum rc read_location_if(struct conf *conf, struct location *outer,
                                struct rewrite_code *code)
{
    struct location *location = open_if(conf, outer);
    struct conf_level level;
    struct rewrite_settings *own;
    enum rc rc;

    if (!location)
        return RC_MEMORY;
    code->enters = location;
    own = &location->settings.rewrite;
    level = open_level(CONF_IF, location, &location->settings, NULL);
    conf_walk(conf, &level, conf->node->children);
    if ((rc = finish_location(conf, location, &outer->settings)) != RC_OK ||
        (rc = rewrite_settings_add(conf, &outer->settings.rewrite, code, 1)) != RC_OK)
        return rc;
    return rewrite_settings_add(conf, &outer->settings.rewrite, own->codes, own->count);
}

static enum rc read_if(struct conf *conf, const struct directive *d, void *part)
{
    struct rewrite_code code;
    struct conf_level level = {.context = CONF_SERVER_IF};
    struct rewrite_settings *s;
    enum rc rc = rewrite_settings_parse_if(conf, &code);

    (void)d;
    if (rc != RC_OK)
        return rc;
    if (conf->level->context == CONF_LOCATION)
        return read_location_if(conf, part, &code);
    s = &((struct server_entry *)part)->server->outer.settings.rewrite;
    if ((rc = rewrite_settings_add(conf, s, &code, 1)) != RC_OK)
        return rc;
    level.parts[PART_REWRITE] = s;
    conf_walk(conf, &level, conf->node->children);
    return RC_OK;
}

const struct directive site_directives[] = {
    {"events", CONF_MAIN, 0, 0, true, CONF_CONTEXT, read_events,
     .doc = "Holds what is said of connections as such."},
    {"http", CONF_MAIN, 0, 0, true, CONF_CONTEXT, read_http,
     .doc = "Holds the servers of HTTP, and what holds for all of them."},
    {"server", CONF_HTTP, 0, 0, true, CONF_CONTEXT, read_server,
     .doc = "A server: its addresses, its names, and its locations."},
    {"location", CONF_SERVER | CONF_LOCATION, 1, 2, true, CONF_CONTEXT, read_location,
     .doc = "Holds what is done with the paths that it names: by prefix, exactly (=), by "
            "prefix before any "
            "expression (^~), by regular expression (~, or ~* for letters of either case), or "
            "by name (@)."},
    {"if", CONF_SERVER | CONF_LOCATION, 1, CONF_MANY, true, CONF_CONTEXT, read_if,
     .doc =
         "Where its condition holds, its instructions are carried out, and in a location its "
         "settings replace the location's: ($variable), = and !=, ~ and ~* and their "
         "negations, -f, -d, -e, -x."},
    {"listen", CONF_SERVER, 1, CONF_MANY, true, .set = set_listen,
     .doc = "An address and port, or a unix: path, that the server is reached at, with ssl, "
            "default_server and options of the socket."},
    {"server_name", CONF_SERVER, 1, CONF_MANY, true, .set = set_server_name,
     .doc = "The names of the server: exact, *.example.com, www.example.*, .example.com, or "
            "~expression."},
    {"limit_except", CONF_LOCATION, 1, CONF_MANY, true, CONF_CONTEXT, read_limit_except,
     .doc = "Holds what is different for requests with other methods than those it names; GET "
            "names "
            "HEAD too."},
    {"internal", CONF_LOCATION, 0, 0, .set = set_internal,
     .doc = "Answers requests from outside with 404."},
    {"http2", CONF_HTTP | CONF_SERVER, 1, 1, .set = set_http2, .offset = CONF_NOWHERE,
     .doc = "Accepted with a warning: HTTP/2 is not offered yet."},
    {0},
};
