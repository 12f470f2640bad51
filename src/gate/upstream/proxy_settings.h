/* What a location says of its origin, and what an upstream block says of its servers. */
#ifndef GATE_UPSTREAM_PROXY_SETTINGS_H
#define GATE_UPSTREAM_PROXY_SETTINGS_H

#include <stdatomic.h>

#include "gate/balance/outlier.h"
#include "gate/conf/directive.h"
#include "gate/sticky/sticky_settings.h"
#include "gate/tls/tls_settings.h"
#include "gate/upstream/resolver_settings.h"
#include "io/address.h"

struct health_check;

/* One address of one server line. */
struct server_address {
    struct address address; /* len 0 where the name was not found: it is down */
    struct span name;       /* as the error log shows it: "127.0.0.1:8001" */
    struct span server;     /* as the configuration has it: "localhost:8001" */
    uint32_t weight;
    uint32_t max_conns, max_fails;
    uint64_t fail_timeout_ms;
    uint64_t slow_start_ms;
    bool backup, down, drain;
    _Atomic(struct server_place *)
        place;         /* of a slot: server_place.h; NULL otherwise, and without an address */
    struct span route; /* by which sessions name it; empty without "sticky" */
};

/* A name that is asked for while gate runs: its addresses take slots. */
struct server_lookup {
    struct span host;    /* without brackets */
    struct span service; /* of SRV records; empty: addresses alone */
    uint16_t port;
    size_t first, count; /* its slots in `addresses` */
};

/* An upstream block, or the servers of a proxy_pass that names a host. Lives as long as its site. */
struct upstream_settings {
    struct span name; /* "origin", "localhost:8001" */
    bool implicit;    /* of a proxy_pass, not a block */
    struct server_address *addresses;
    size_t count;
    struct server_lookup *lookups;
    size_t lookups_count;
    struct server_place *places;       /* all that were found, ever */
    struct resolver_settings resolver; /* the block's own, or what holds around it */
    const struct balance *balance;     /* NULL: round robin */
    struct template balance_key;       /* of hash */
    struct sticky_settings sticky;
    struct outlier_settings outliers;
    const struct health_check *health; /* NULL: none */
    struct span health_host;           /* of the location that asked for it: $proxy_host */
    struct tls_client *health_tls;     /* NULL: plain */
    struct span health_tls_name;       /* whose certificate it is to have */
    struct zones *zones;               /* of the site */
    struct zone_line *zone;            /* "zone"; NULL: none is named */
    uint64_t load_percent;             /* hash ... bounded_load=; 0: any */
    uint64_t queue, queue_timeout_ms;
    uint64_t retry_percent, retry_floor;
    uint64_t keepalive;         /* idle connections kept, for each loop; 0: none */
    bool keepalive_local;       /* each for the location that opened it, and no other */
    atomic_uint_fast64_t *idle; /* those that all loops have now */
    uint64_t keepalive_requests;
    uint64_t keepalive_time_ms, keepalive_timeout_ms;
    const struct conf_node *node; /* where it stands */
    size_t index;                 /* in the site's list */
    struct peers *peers;          /* balance/balance.h: how they do, by address */
    struct ledger *ledger;        /* balance/ledger.h; NULL: nothing is served yet */
};

/* All of a site. */
struct upstreams {
    struct upstream_settings **all;
    size_t count;
    struct zones *zones; /* of the site */
};

/* "proxy_pass URL". */
struct proxy_pass {
    bool is_set;
    bool tls; /* https:// */
    bool has_uri;
    struct span uri;  /* what stands in for the location's prefix, when has_uri */
    struct span host; /* $proxy_host: the port only where it is not the scheme's own */
    struct span port; /* $proxy_port */
    struct span url;  /* as written, for proxy_redirect default */
    struct upstream_settings *upstream; /* NULL where `dynamic` decides at run time */
    const struct template *dynamic;     /* the URL has variables; NULL otherwise */
    const struct conf_node *node;       /* where it stands */
};

struct proxy_header {
    struct span name;
    uint8_t id;            /* enum field_id */
    struct template value; /* evaluates to nothing: the field is not sent */
};

/* A rule of proxy_redirect, proxy_cookie_domain or proxy_cookie_path. */
struct proxy_rewrite {
    const struct regex *regex; /* NULL: `from` */
    struct template from, to;
};

/* proxy_cookie_flags: bits 1 << flag, in this order. */
enum proxy_cookie_flag {
    PROXY_COOKIE_SECURE,
    PROXY_COOKIE_NOSECURE,
    PROXY_COOKIE_HTTPONLY,
    PROXY_COOKIE_NOHTTPONLY,
    PROXY_COOKIE_SAMESITE,
    PROXY_COOKIE_STRICT,
    PROXY_COOKIE_LAX,
    PROXY_COOKIE_NONE,
    PROXY_COOKIE_NOSAMESITE,
    PROXY_COOKIE_FLAGS
};

struct proxy_cookie_rule {
    const struct regex *regex; /* NULL: `name` */
    struct template name;
    unsigned flags;
    const struct template *made; /* words with variables, which come to a flag or to nothing */
    size_t made_count;
};

/* The bit of the flag with that name; 0: there is none. */
static inline unsigned proxy_cookie_flag_of(struct span word)
{
    static const char *const names[] = {
        [PROXY_COOKIE_SECURE] = "secure",         [PROXY_COOKIE_NOSECURE] = "nosecure",
        [PROXY_COOKIE_HTTPONLY] = "httponly",     [PROXY_COOKIE_NOHTTPONLY] = "nohttponly",
        [PROXY_COOKIE_SAMESITE] = "samesite",     [PROXY_COOKIE_STRICT] = "samesite=strict",
        [PROXY_COOKIE_LAX] = "samesite=lax",      [PROXY_COOKIE_NONE] = "samesite=none",
        [PROXY_COOKIE_NOSAMESITE] = "nosamesite",
    };

    for (unsigned f = 0; f < PROXY_COOKIE_FLAGS; f++)
        if (span_equal_nocase(word, span_text(names[f])))
            return 1u << f;
    return 0;
}

/* proxy_ignore_headers: fields of an answer that have no effect on gate. */
enum proxy_ignored {
    PROXY_IGNORE_REDIRECT = 1,
    PROXY_IGNORE_EXPIRES = 2,
    PROXY_IGNORE_LIMIT_RATE = 4,
    PROXY_IGNORE_BUFFERING = 8,
    PROXY_IGNORE_CHARSET = 16,
    PROXY_IGNORE_OF_CACHE = 32, /* Expires, Cache-Control, Set-Cookie, Vary */
};

struct proxy_settings {
    struct proxy_pass pass; /* not inherited by nested locations */
    const struct proxy_header *headers;
    size_t headers_count;
    unsigned http_version; /* 10 or 11 */
    bool closes;           /* "Connection: close" goes with a request, unless that is set */
    uint64_t connect_timeout_ms, send_timeout_ms, read_timeout_ms;
    uint64_t buffer_size;   /* of a response's head; 0 cannot be */
    unsigned next_upstream; /* bits of enum proxy_next */
    uint64_t next_upstream_tries, next_upstream_timeout_ms;
    bool pass_request_headers, pass_request_body, pass_trailers;
    bool buffering;           /* a server's answer is stored for a client that is slow */
    const char *temp_path;    /* where; NULL: the usual place */
    bool request_buffering;   /* all of a request's body is here before a server is asked */
    struct template set_body; /* sent in its place: has_set_body */
    bool has_set_body;
    struct template method; /* sent in place of the client's: has_method */
    bool has_method;
    bool ignore_client_abort;
    bool intercept_errors; /* answers of 300 and more have error pages */
    bool socket_keepalive;
    uint64_t socket_rcvbuf, socket_sndbuf; /* 0: the system's */
    uint64_t limit_rate;                   /* bytes a second of an answer; 0: any */
    struct predicates hints;               /* early_hints */
    bool stores;                           /* answers stay as files: where `store` says */
    bool store_in_root;                    /* where the location's files are, instead */
    struct template store;                 /* their path */
    unsigned store_access;                 /* their bits */
    uint64_t slice_size;                   /* 0: bodies are asked for in one piece */
    unsigned
        announce; /* the PROXY protocol's version that origins are told the client by; 0: not */
    bool binds;   /* connections to origins come from the address that `bind` makes */
    struct template bind;
    bool websocket;             /* extension: passes Upgrade: websocket on by itself */
    bool redirect_off;          /* proxy_redirect off */
    bool redirect_default;      /* Location "URL of proxy_pass..." -> the location's prefix */
    size_t redirect_default_at; /* how many of the rules come before that */
    const struct proxy_rewrite *redirects;
    size_t redirects_count;
    const struct proxy_rewrite *cookie_domains, *cookie_paths;
    size_t cookie_domains_count, cookie_paths_count;
    const struct proxy_cookie_rule *cookie_flags;
    size_t cookie_flags_count;
    unsigned ignored;  /* sum of enum proxy_ignored */
    bool force_ranges; /* Range is served of answers that know it not */
    const struct span *hide_headers;
    size_t hide_headers_count;
    const struct span *pass_headers;
    size_t pass_headers_count;

    bool ssl_verify, ssl_server_name, ssl_session_reuse;
    uint64_t ssl_verify_depth;
    unsigned ssl_protocols; /* bits of enum tls_protocol */
    struct span ssl_ciphers;
    struct template ssl_name; /* $proxy_host where it is not set: ssl_name_set */
    bool ssl_name_set;
    struct span ssl_trusted_certificate, ssl_crl;
    struct span ssl_certificate, ssl_certificate_key, ssl_password_file; /* our own */
    struct tls_commands ssl_commands;
    struct tls_client *tls; /* made of those for a location with https://; NULL otherwise */

    /* How much of an answer is stored. 0 of busy_size and temp_write_size: not set, and checked alone. */
    struct proxy_buffers {
        uint64_t count, size, busy_size, temp_write_size, max_temp_size;
    } buffers;

    struct upstreams *upstreams; /* of the site */
    bool
        uri_refused; /* in a named location and one with a regular expression: no URI in proxy_pass */
};

/* Their directives: parts are struct proxy_settings. Those of an upstream block: struct upstream_settings. */
extern const struct directive proxy_directives[];
extern const struct directive proxy_tls_directives[];
extern const struct directive upstream_directives[];

/* What an inner context does not take over from its outer one; before its directives are read. */
void proxy_settings_enter(struct proxy_settings *s, bool uri_refused);

/* When all of a context's directives are read: what they say together. */
enum rc proxy_settings_check(struct conf *conf, const struct proxy_settings *s,
                             const struct proxy_settings *outer);

/* "off" or "ADDRESS", of proxy_bind and its like. */
enum rc proxy_settings_bind(struct conf *conf, bool *binds, struct template *bind);

/* A location with https:// has a key for its certificate? */
enum rc proxy_settings_check_tls(struct conf *conf, const struct proxy_settings *s);

/* proxy_ssl_* as TLS wants them. */
struct tls_client_settings proxy_settings_tls(const struct proxy_settings *s);

enum proxy_next {
    PROXY_NEXT_ERROR = 1,
    PROXY_NEXT_TIMEOUT = 2,
    PROXY_NEXT_INVALID_HEADER = 4,
    PROXY_NEXT_NON_IDEMPOTENT = 8,
    PROXY_NEXT_500 = 16,
    PROXY_NEXT_502 = 32,
    PROXY_NEXT_503 = 64,
    PROXY_NEXT_504 = 128,
    PROXY_NEXT_403 = 256,
    PROXY_NEXT_404 = 512,
    PROXY_NEXT_429 = 1024,
};

#endif
