#include "gate/site.h"

#include <stdlib.h>

#include "gate/conf/faults.h"
#include "gate/conf/regex.h"
#include "gate/nginx_names.h"
#include "gate/respond/mime_types.h"
#include "gate/site_reader.h"
#include "gate/site_traps.h"
#include "gate/tls/tls_client.h"
#include "gate/tls/tls_server.h"
#include "gate/upstream/upstream_list.h"

/* A TLS context of a server or of a location's origin. */
struct site_tls {
    struct site_tls *next;
    struct tls_server *server;
    struct tls_client *client;
};

static const struct directive *const tables[PART_COUNT] = {
    /* clang-format off: one a line */
    [PART_CONTEXTS] = site_directives,
    [PART_PROCESS] = process_directives,
    [PART_HTTP] = http_directives,
    [PART_PROXY] = proxy_directives,
    [PART_PROXY_TLS] = proxy_tls_directives,
    [PART_UPSTREAM] = upstream_directives,
    [PART_RESPOND] = respond_directives,
    [PART_JOURNAL] = journal_directives,
    [PART_TLS] = tls_directives,
    [PART_HEADERS] = headers_directives,
    [PART_ACCESS] = access_directives,
    [PART_COMPUTED] = computed_directives,
    [PART_REWRITE] = rewrite_directives,
    [PART_GZIP] = gzip_directives,
    [PART_LIMIT] = limit_directives,
    [PART_HEALTH] = health_directives,
    [PART_AUTH] = auth_directives,
    [PART_TRANSFORM] = transform_directives,
    [PART_LISTING] = listing_directives,
    [PART_SUBREQUEST] = subrequest_directives,
    [PART_STATUS] = status_directives,
    [PART_RESOLVER] = resolver_directives,
    [PART_FORWARD] = forward_directives,
    [PART_VISITOR] = visitor_directives,
    /* clang-format on */
};

const struct conf_language site_language = {
    .tables = tables,
    .count = PART_COUNT,
    .is_missing = nginx_names_has,
    .advice = nginx_names_advice,
};

static struct site_tls *add_tls(struct site_reader *r)
{
    struct site_tls *link = arena_take(r->conf.arena, sizeof *link);

    if (!link) {
        (void)conf_no_memory(&r->conf);
        return NULL;
    }
    link->next = r->site->tls;
    r->site->tls = link;
    return link;
}

enum rc site_open_server_tls(struct site_reader *r, struct span name,
                             struct tls_settings *settings)
{
    struct site_tls *link = add_tls(r);
    struct fault why = {0};

    if (!link)
        return RC_MEMORY;
    settings->name = name;
    if (tls_server_open(&link->server, settings, &why) != RC_OK)
        return conf_fail(&r->conf, 0, NULL, "%s", why.text);
    settings->server = link->server;
    return RC_OK;
}

enum rc site_open_client_tls(struct site_reader *r, struct proxy_settings *settings)
{
    struct tls_client_settings client = proxy_settings_tls(settings);
    struct site_tls *link = add_tls(r);
    struct fault why = {0};

    if (!link)
        return RC_MEMORY;
    if (tls_client_open(&link->client, &client, &why) != RC_OK)
        return conf_fail(&r->conf, 0, NULL, "%s", why.text);
    settings->tls = link->client;
    return RC_OK;
}

/* The named groups of a pattern go to the names that templates may use. */
static void collect_names(struct site_reader *r, struct span pattern)
{
    struct regex *regex;
    struct span name;

    if (regex_open(&regex, pattern, false, NULL) != RC_OK)
        return; /* told when its directive is read */
    for (size_t i = 0; (name = regex_group_name(regex, i)).len > 0; i++) {
        struct span *slot = conf_add(&r->conf, (void **)&r->captures,
                                     &r->variables.captures_count, sizeof *slot);
        char *copy = arena_text(r->conf.arena, name);

        for (size_t c = 0; copy && c < name.len; c++)
            copy[c] |= copy[c] >= 'A' && copy[c] <= 'Z' ? 0x20 : 0;
        if (slot)
            *slot = span_of(copy, copy ? name.len : 0);
    }
    r->variables.captures = r->captures;
    regex_close(regex);
}

/* The variable that a block or "set" defines goes to the names that templates may use. */
static void collect_defined(struct site_reader *r, const struct conf_node *node)
{
    struct span name = computed_name(node, r->conf.arena);
    struct variable *row;
    struct computed *made;

    if (name.len == 0 || (!node->block && variables_have_fixed(&r->variables, name)) ||
        !(made = computed_add(&r->computed, name, &r->conf)) ||
        r->computed.count == r->variables.defined_count)
        return;
    row = conf_add(&r->conf, (void **)&r->defined, &r->variables.defined_count, sizeof *row);
    r->variables.defined = r->defined;
    if (row)
        *row =
            (struct variable){(const char *)name.at, r->variables.computed, (uintptr_t)made};
}

/* Does the directive have regular expressions, whose groups may have names? */
static bool has_patterns(struct span name)
{
    static const char *const names[] = {"location",
                                        "server_name",
                                        "rewrite",
                                        "if",
                                        "proxy_redirect",
                                        "proxy_cookie_path",
                                        "proxy_cookie_flags",
                                        "proxy_cookie_domain"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_equal(name, span_text(names[i])))
            return true;
    return false;
}

/* A name may be used in front of what defines it: so all are found first. */
static void collect_names_of(struct site_reader *r, const struct conf_node *nodes, bool in_map)
{
    for (const struct conf_node *node = nodes; node; node = node->next) {
        bool patterns = has_patterns(node->words[0].text);

        r->conf.node = node;
        collect_defined(r, node);
        patterns = patterns || in_map;
        for (size_t i = in_map ? 0 : 1; patterns && i < node->count; i++) {
            struct span word = node->words[i].text;

            if (span_starts(word, SPAN("~")) && word.len > 1)
                span_cut(&word, word.at[1] == '*' ? 2 : 1);
            if (word.len > 0 && word.at[word.len - 1] == ')' && i + 1 == node->count &&
                span_equal(node->words[0].text, SPAN("if")))
                word.len--; /* of the condition */
            if (memmem(word.at, word.len, "(?", 2))
                collect_names(r, word);
        }
        collect_names_of(r, node->children, span_equal(node->words[0].text, SPAN("map")));
    }
    r->conf.node = NULL;
}

/* Takes what stands in http, and not in the main context, out of a file that has no http block. */
static struct conf_node *split_http(struct conf_node **nodes)
{
    struct conf_node *http = NULL, **end = &http;

    for (struct conf_node **at = nodes; *at;) {
        struct conf_node *node = *at;
        size_t table, row;
        const struct directive *d =
            conf_find(&site_language, node->words[0].text, CONF_MAIN, &table, &row);

        if (d && !(d->contexts & CONF_MAIN))
            d = conf_find(&site_language, node->words[0].text, CONF_HTTP, &table, &row);
        if (d && !(d->contexts & CONF_MAIN) && (d->contexts & CONF_HTTP)) {
            *at = node->next;
            *end = node;
            end = &node->next;
            node->next = NULL;
        } else {
            at = &node->next;
        }
    }
    return http;
}

/* What stands in the main context, whatever the file says. */
static enum rc begin_main(struct site_reader *r, const struct conf_node *nodes,
                          struct conf_level *level)
{
    const char *error_log = r->context->error_log;
    struct site *site = r->site;

    site->journal.files = &site->journals;
    site->journal.formats = &r->formats;
    site->types = mime_types_open_default(&site->arena);
    if (!site->types)
        return RC_MEMORY;
    process_settings_begin(&site->process, r->context->as_nginx);
    if (r->context->pid_file)
        site->process.pid_file =
            conf_path(&r->conf, r->context->prefix, span_text(r->context->pid_file));
    *level = (struct conf_level){.context = CONF_MAIN};
    level->parts[PART_CONTEXTS] = r;
    level->parts[PART_PROCESS] = &site->process;
    level->parts[PART_JOURNAL] = &site->journal;
    if (!error_log)
        error_log = r->context->as_nginx ? "logs/error.log" : "stderr";
    level->parts[PART_JOURNAL] = NULL; /* its standards are those of http */
    conf_standards(&r->conf, level);
    level->parts[PART_JOURNAL] = &site->journal;
    if (conf_nodes_have(nodes, SPAN("error_log")))
        return RC_OK;
    return journal_settings_error(&r->conf, &site->journal, error_log);
}

static enum rc read_main(struct site_reader *r, struct conf_node *nodes)
{
    struct conf_level level;
    struct conf_node *http = NULL;
    enum rc rc = begin_main(r, nodes, &level);

    if (rc != RC_OK)
        return rc;
    collect_names_of(r, nodes, false);
    r->site->computed_count = r->computed.count;
    if (!r->context->as_nginx && !conf_nodes_have(nodes, SPAN("http")))
        http = split_http(&nodes);
    conf_walk(&r->conf, &level, nodes);
    if (http && (rc = site_read_http(r, http)) != RC_OK)
        return rc;
    if (r->context->as_nginx && !r->has_events && r->conf.faults->errors == 0)
        faults_add(r->conf.faults, &(struct fault_place){.order = SIZE_MAX}, false,
                   "events { }", "no \"events\" section in configuration");
    zones_check(&r->conf, &r->site->zones);
    r->site->strict = r->conf.strict;
    r->site->version = r->conf.version;
    return process_settings_finish(&r->conf, &r->site->process);
}

/* "/etc/gate/gate.conf" -> "/etc/gate/" */
static const char *folder_of(struct arena *arena, const char *file)
{
    const char *slash = strrchr(file, '/');

    return arena_text(arena, span_of(file, slash ? (size_t)(slash - file) + 1 : 0));
}

static void read_tree(struct site_reader *r, struct conf_tree *tree)
{
    const struct site_context *context = r->context;

    *tree = (struct conf_tree){.arena = r->conf.arena,
                               .faults = r->conf.faults,
                               .directory = r->conf.directory,
                               .strict = context->as_nginx};
    if (context->globals)
        conf_tree_read_command(tree, context->globals);
    if (context->text)
        conf_tree_read_text(tree, context->file, context->text);
    else
        conf_tree_read(tree, context->file);
    if (context->dump)
        conf_tree_dump(tree, context->dump);
}

static enum rc read_site(struct site_reader *r)
{
    struct conf_tree tree;
    struct fault why = {0};
    enum rc rc;

    read_tree(r, &tree);
    if (!r->context->as_nginx)
        site_traps_tell(&r->conf, tree.first);
    if ((rc = read_main(r, tree.first)) != RC_OK)
        return rc;
    if (r->conf.faults->errors > 0)
        return RC_FORMAT;
    r->site->upstreams = r->upstreams.all;
    r->site->upstreams_count = r->upstreams.count;
    rc = upstream_list_finish(&r->upstreams, &r->http.resolver, &r->site->arena, &why);
    if (rc != RC_OK)
        faults_add(r->conf.faults, &(struct fault_place){0}, false, NULL, "%s", why.text);
    return rc;
}

enum rc site_read(struct site **out, const struct site_context *context, struct faults *faults)
{
    struct site *site = calloc(1, sizeof *site);
    struct site_reader r = {.site = site, .context = context, .last_server = &r.servers};
    enum rc rc = RC_MEMORY;

    if (site) {
        atomic_init(&site->references, 1);
        r.variables = *context->variables;
        r.conf = (struct conf){.arena = &site->arena,
                               .faults = faults,
                               .language = &site_language,
                               .variables = &r.variables,
                               .regexes = &site->regexes,
                               .folders = &site->folders,
                               .prefix = context->prefix,
                               .as_nginx = context->as_nginx,
                               .strict = context->as_nginx,
                               .version = CONF_VERSION_LATEST,
                               .owner = &r};
        r.conf.directory = folder_of(&site->arena, context->file);
        site->prefix = arena_copy(&site->arena, span_text(context->prefix));
        site->as_nginx = context->as_nginx;
        rc = r.conf.directory && site->prefix.at ? read_site(&r) : RC_MEMORY;
    }
    if (rc == RC_MEMORY && faults->errors == 0)
        faults_add(faults, &(struct fault_place){0}, false, NULL,
                   "no memory for the configuration");
    if (faults->errors > 0) {
        if (site)
            site_release(site);
        return rc == RC_MEMORY ? rc : RC_FORMAT;
    }
    *out = site;
    return RC_OK;
}

static struct upstreams upstreams_of(const struct site *site)
{
    return (struct upstreams){.all = site->upstreams, .count = site->upstreams_count};
}

enum rc site_open_zones(struct site *site, const struct site *before, struct fault *why)
{
    const struct upstreams now = upstreams_of(site),
                           old = before ? upstreams_of(before) : (struct upstreams){0};
    enum rc rc = zones_open(&site->zones, before ? &before->zones : NULL, why);

    return rc == RC_OK ? upstream_list_open(&now, &old, why) : rc;
}

bool site_knows(const char *directive)
{
    for (size_t t = 0; t < site_language.count; t++)
        for (const struct directive *d = site_language.tables[t]; d->name; d++)
            if (strcmp(d->name, directive) == 0)
                return true;
    return false;
}

void site_begin(struct site *site, uint64_t now_ms)
{
    const struct upstreams upstreams = upstreams_of(site);

    upstream_list_begin(&upstreams, now_ms);
}

void site_leave(struct site *site, uint64_t now_ms)
{
    const struct upstreams upstreams = upstreams_of(site);

    upstream_list_leave(&upstreams, now_ms);
}

void site_release(struct site *site)
{
    const struct upstreams upstreams = upstreams_of(site);

    if (atomic_fetch_sub_explicit(&site->references, 1, memory_order_acq_rel) > 1)
        return;
    upstream_list_close(&upstreams);
    zones_close(&site->zones);
    file_caches_clear(&site->files);
    journal_close(&site->journals);
    for (struct site_tls *link = site->tls; link; link = link->next) {
        tls_server_close(link->server);
        tls_client_close(link->client);
    }
    for (struct conf_regex *link = site->regexes; link; link = link->next)
        regex_close(link->regex);
    arena_clear(&site->arena);
    free(site);
}
