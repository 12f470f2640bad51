/*
 * One generation of the configuration, read and merged: immutable, but for what the rooms keep of it at
 * run time. Connections hold a reference to the site they began with. Built by site_read (site.c), which knows
 * the contexts of HTTP and asks each room for its directives.
 */
#ifndef GATE_SITE_H
#define GATE_SITE_H

#include <stdatomic.h>

#include "base/arena.h"
#include "gate/access/access_settings.h"
#include "gate/auth/auth_settings.h"
#include "gate/compress/gzip_settings.h"
#include "gate/filter/filter.h"
#include "gate/forward/forward_settings.h"
#include "gate/headers/headers_settings.h"
#include "gate/health/health_settings.h"
#include "gate/http/http_settings.h"
#include "gate/journal/journal.h"
#include "gate/limit/limit_settings.h"
#include "gate/listen/listen_sockets.h"
#include "gate/listing/listing_settings.h"
#include "gate/process_settings.h"
#include "gate/respond/respond_settings.h"
#include "gate/rewrite/rewrite_settings.h"
#include "gate/route/location.h"
#include "gate/route/server_names.h"
#include "gate/status/status_settings.h"
#include "gate/subrequest/subrequest_settings.h"
#include "gate/tls/tls_settings.h"
#include "gate/transform/transform_settings.h"
#include "gate/upstream/proxy_settings.h"
#include "gate/visitor/visitor_settings.h"
#include "io/address.h"

/* What merges down: http -> server -> location -> nested location. */
struct settings {
    struct http_settings http;
    struct proxy_settings proxy;
    struct respond_settings respond;
    struct rewrite_settings rewrite;
    struct headers_settings headers;
    struct access_settings access;
    struct auth_settings auth;
    struct transform_settings transform;
    struct listing_settings listing;
    struct subrequest_settings subrequest;
    struct gzip_settings gzip;
    struct limit_settings limit;
    struct health_settings health;
    struct status_settings status;
    struct resolver_settings resolver;
    struct forward_settings forward;
    struct visitor_settings visitor;
    struct journal_settings journal;
};

struct location {
    struct location_pattern pattern; /* route/location.h */
    struct settings settings;
    struct location_tree inner; /* nested ones */
    struct filter filter;       /* where proxy_pass is set */
    bool internal;
    const struct location
        *except;          /* limit_except: what other methods than those get; NULL: none */
    struct span *methods; /* those */
    size_t methods_count;
    const struct server *server;
    const struct conf_node *node; /* where it stands */
};

struct server {
    struct span name;      /* $server_name: the first of server_name, or empty */
    struct location outer; /* the server itself: its settings, where no location matches */
    struct tls_settings tls;
};

struct listener {
    struct address address;
    bool tls;
    bool proxy_protocol; /* who comes says first for whom */
    int backlog;         /* -1: the default, 511 */
    bool reuse_port, deferred, ipv6_only;
    int receive_buffer, send_buffer; /* 0: the system's */
    int fast_open;
    struct listen_keepalive keepalive;
    const struct server *default_server;
    struct server_names *names;   /* route/server_names.h */
    const struct conf_node *node; /* the first "listen" of it, or the server that has none */
};

struct site {
    struct arena arena;
    atomic_uint references;
    struct process_settings process;
    struct listener *listeners;
    size_t listeners_count;
    struct upstream_settings **upstreams;
    size_t upstreams_count;
    struct journal_settings journal; /* of the main context: what has no location */
    struct file_caches files;        /* open_file_cache */
    struct journal_files journals;   /* every log file; site_read opens none: journal_open */
    struct zones zones;              /* without their memory: site_open_zones */
    const struct location *status;   /* the first that tells it; NULL: none */
    struct span prefix;
    bool as_nginx;    /* called by that name: it answers so */
    bool strict;      /* compat strict */
    uint32_t version; /* compat_version */

    /* What the arena does not hold: closed with it. */
    struct conf_regex *regexes; /* conf/directive.h */
    struct conf_folder *folders;
    struct site_tls *tls;
    size_t computed_count;          /* variables that the configuration computes */
    const struct mime_types *types; /* where no types block is */
};

/* What the caller of site_read knows and the configuration does not. */
struct site_context {
    const char *prefix;     /* -p: absolute, with a '/' at its end */
    const char *file;       /* -c: absolute */
    const char *globals;    /* -g: NULL or directives of the main context */
    const char *error_log;  /* -e: NULL or where errors go when the file names nothing else */
    const char *pid_file;   /* the same of the pid */
    const char *access_log; /* NULL, or where requests go when the file says nothing */
    const char
        *text; /* NULL, or the configuration itself: `file` is then only what it is called */
    struct text *dump;                 /* NULL, or where all files go, as they were read: -T */
    const struct variables *variables; /* what templates may name */
    const char *greeting; /* NULL, or what the master says on standard output once it serves */
    char *const *argv;    /* of main: how the next program is started, too */
    bool as_nginx;        /* called by that name: its defaults, its refusals */
};

struct faults; /* conf/faults.h: all that is wrong, each with file, line, column */

/* RC_FORMAT: *out is untouched and `faults` says why, all at once. */
enum rc site_read(struct site **out, const struct site_context *context,
                  struct faults *faults);

/*
 * Gives the zones their memory, and what is known of servers; that of `before`, the site that this one replaces (which
 * may be NULL), is kept where nothing has changed. Before anything is served.
 */
enum rc site_open_zones(struct site *site, const struct site *before, struct fault *why);

/* In the worker: it begins with what others knew of the servers; it ends, and leaves them what it knows. */
void site_begin(struct site *site, uint64_t now_ms);
void site_leave(struct site *site, uint64_t now_ms);

/* Is it a directive that does something here, in whatever context? */
bool site_knows(const char *directive);

static inline void site_hold(struct site *site)
{
    atomic_fetch_add_explicit(&site->references, 1, memory_order_relaxed);
}

/* The last one frees it. */
void site_release(struct site *site);

#endif
