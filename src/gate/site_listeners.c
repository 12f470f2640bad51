/* Which addresses are listened on, and whose names are known there. */
#include "gate/site_reader.h"

static struct listener *find(struct site *site, const struct address *address)
{
    for (size_t i = 0; i < site->listeners_count; i++) {
        if (address_equal(&site->listeners[i].address, address))
            return &site->listeners[i];
    }
    return NULL;
}

/* What is known of a listener only while it is made. */
struct making {
    const struct server_entry *last;   /* the server that named it last */
    const struct server_entry *chosen; /* its default_server */
    bool is_chosen;                    /* by default_server, not by order */
    bool has_options;
};

static void set_options(struct listener *l, const struct listen_line *line)
{
    l->backlog = line->backlog;
    l->reuse_port = line->reuse_port;
    l->deferred = line->deferred;
    l->ipv6_only = line->ipv6_only;
    l->receive_buffer = line->receive_buffer;
    l->send_buffer = line->send_buffer;
    l->fast_open = line->fast_open;
    l->keepalive = line->keepalive;
}

/* A further server, or the first, for an address. */
static enum rc join(struct conf *conf, struct listener *l, struct making *m,
                    const struct server_entry *entry, const struct listen_line *line)
{
    char text[ADDRESS_TEXT];
    struct span name = address_text(&l->address, text, false);

    if (m->last == entry)
        return conf_fail(conf, 1, NULL, "a duplicate listen %.*s", SPAN_ARG(name));
    m->last = entry;
    l->tls = l->tls || line->tls;
    l->proxy_protocol = l->proxy_protocol || line->proxy_protocol;
    if (line->has_options && m->has_options)
        return conf_fail(conf, 1, "they belong to the address: say them once",
                         "duplicate listen options for %.*s", SPAN_ARG(name));
    if (line->has_options || !m->chosen)
        set_options(l, line);
    m->has_options = m->has_options || line->has_options;
    if (line->default_server && m->is_chosen)
        return conf_fail(conf, 1, NULL, "a duplicate default server for %.*s", SPAN_ARG(name));
    if (line->default_server || !m->chosen) {
        m->chosen = entry;
        l->default_server = entry->server;
    }
    m->is_chosen = m->is_chosen || line->default_server;
    return RC_OK;
}

/* The names of one server at one address. */
static enum rc add_names(struct conf *conf, struct listener *l,
                         const struct server_entry *entry)
{
    char text[ADDRESS_TEXT];
    struct span address = address_text(&l->address, text, false);

    for (size_t i = 0; i < entry->names_count; i++) {
        const struct name_entry *name = &entry->names[i];

        conf->node = name->node;
        conf->joined = true;
        switch (
            server_names_add(l->names, name->name, name->regex, entry->server, conf->arena)) {
        case RC_OK:
            break;
        case RC_BUSY:
            conf_warn(conf, 0, NULL, "conflicting server name \"%.*s\" on %.*s, ignored",
                      SPAN_ARG(name->name), SPAN_ARG(address));
            break;
        case RC_FORMAT:
            return conf_fail(conf, 0, NULL, "invalid server name or wildcard \"%.*s\" on %.*s",
                             SPAN_ARG(name->name), SPAN_ARG(address));
        default:
            return conf_no_memory(conf);
        }
    }
    return RC_OK;
}

static enum rc add_address(struct site_reader *r, struct making **making, size_t *made,
                           const struct server_entry *entry, const struct listen_line *line,
                           const struct address *address)
{
    struct site *site = r->site;
    struct listener *l = find(site, address);
    enum rc rc;

    if (!l) {
        l = conf_add(&r->conf, (void **)&site->listeners, &site->listeners_count, sizeof *l);
        if (!l || !conf_add(&r->conf, (void **)making, made, sizeof **making))
            return RC_MEMORY;
        *l = (struct listener){.address = *address,
                               .names = server_names_open(r->conf.arena),
                               .node = r->conf.node};
        (*making)[*made - 1] = (struct making){0};
        if (!l->names)
            return conf_no_memory(&r->conf);
    }
    r->conf.joined = false;
    rc = join(&r->conf, l, &(*making)[l - site->listeners], entry, line);
    return rc == RC_OK ? add_names(&r->conf, l, entry) : rc;
}

/* TLS wants a certificate from whoever answers clients that name nobody. */
static void check_certificates(struct site_reader *r, const struct making *making)
{
    for (size_t i = 0; i < r->site->listeners_count && !r->conf.faults->incomplete; i++) {
        const struct listener *l = &r->site->listeners[i];

        if (!l->tls || l->default_server->tls.count > 0 || l->default_server->tls.rejects)
            continue;
        r->conf.node = making[i].chosen->node;
        (void)conf_fail(
            &r->conf, 0, "ssl_certificate and ssl_certificate_key name its files",
            "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive");
    }
}

void site_make_listeners(struct site_reader *r)
{
    const struct conf_node *before = r->conf.node;
    struct making *making = NULL;
    size_t made = 0;

    for (const struct server_entry *entry = r->servers; entry; entry = entry->next) {
        for (size_t i = 0; i < entry->listens_count; i++) {
            const struct listen_line *line = &entry->listens[i].line;

            for (size_t a = 0; a < line->count; a++) {
                r->conf.node = entry->listens[i].node;
                (void)add_address(r, &making, &made, entry, line, &line->addresses[a]);
            }
        }
    }
    r->conf.joined = false;
    check_certificates(r, making);
    r->conf.node = before;
}
