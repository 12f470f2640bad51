/* How a site is read: what site.c, site_contexts.c and site_listeners.c share. */
#ifndef GATE_SITE_READER_H
#define GATE_SITE_READER_H

#include "gate/conf/directive.h"
#include "gate/listen/listen_line.h"
#include "gate/map/computed.h"
#include "gate/site.h"

/* Which table has a level's part where: the order of the list in site.c. */
enum site_part {
    PART_CONTEXTS, /* struct site_reader, server_entry or location, by the context */
    PART_PROCESS,
    PART_HTTP,
    PART_PROXY,
    PART_PROXY_TLS, /* struct proxy_settings too */
    PART_UPSTREAM,
    PART_RESPOND,
    PART_JOURNAL,
    PART_TLS,
    PART_HEADERS,
    PART_ACCESS,
    PART_COMPUTED,
    PART_REWRITE,
    PART_GZIP,
    PART_AUTH,
    PART_TRANSFORM,
    PART_LISTING,
    PART_SUBREQUEST,
    PART_LIMIT,
    PART_HEALTH,
    PART_STATUS,
    PART_RESOLVER,
    PART_FORWARD,
    PART_VISITOR,
    PART_COUNT
};

struct listen_entry {
    struct listen_line line;
    const struct conf_node *node;
};

struct name_entry {
    struct span name;
    struct regex *regex;
    const struct conf_node *node;
};

/* A server block that was read. */
struct server_entry {
    struct server_entry *next;
    struct server *server;
    const struct conf_node *node;
    struct listen_entry *listens;
    size_t listens_count;
    struct name_entry *names;
    size_t names_count;
};

struct site_reader {
    struct conf conf;
    struct site *site;
    const struct site_context *context;
    struct variables
        variables;            /* the context's, and the named captures of this configuration */
    struct span *captures;    /* those names */
    struct variable *defined; /* those of map and its like */
    struct computed_list computed;
    struct upstreams upstreams;
    struct matches matches;
    struct journal_formats formats;

    bool has_events, has_http;
    struct settings standards; /* what holds where nothing is said */
    struct settings http;      /* of the http context */
    struct tls_settings tls;
    struct server_entry *servers, **last_server;
};

extern const struct directive site_directives[];

/* All tables. */
extern const struct conf_language site_language;

/* The contents of an http block, or of a file without one. */
enum rc site_read_http(struct site_reader *r, const struct conf_node *nodes);

/* When all servers are read: their addresses and names. */
void site_make_listeners(struct site_reader *r);

/* TLS contexts that a site closes. Fails with the fault's text at the node that is being read. */
enum rc site_open_server_tls(struct site_reader *r, struct span name,
                             struct tls_settings *settings);
enum rc site_open_client_tls(struct site_reader *r, struct proxy_settings *settings);

#endif
