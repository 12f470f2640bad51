/* What a location says of its origin, and what an upstream block says of its servers. */
#ifndef GATE_UPSTREAM_PROXY_SETTINGS_H
#define GATE_UPSTREAM_PROXY_SETTINGS_H

#include "gate/conf/template.h"
#include "io/address.h"

/* One address of one server line. */
struct server_address {
    struct address address;
    struct span name; /* as the error log shows it: "127.0.0.1:8001" */
    struct span server; /* as the configuration has it: "localhost:8001" */
    uint32_t weight;
    uint32_t max_conns, max_fails;
    uint64_t fail_timeout_ms;
    bool backup, down;
};

/* An upstream block, or the servers of a proxy_pass that names a host. Lives as long as its site. */
struct upstream_settings {
    struct span name; /* "origin", "localhost:8001" */
    bool implicit;    /* of a proxy_pass, not a block */
    struct server_address *addresses;
    size_t count;
    const struct balance *balance; /* NULL: round robin */
    uint64_t keepalive;            /* idle connections kept; 0: none */
    uint64_t keepalive_requests;
    uint64_t keepalive_time_ms, keepalive_timeout_ms;
    size_t index;      /* in the site's list */
    struct peers *peers; /* balance/balance.h: how they do, by address */
};

/* "proxy_pass URL". */
struct proxy_pass {
    bool is_set;
    bool tls;             /* https:// */
    bool has_uri;
    struct span uri;      /* what stands in for the location's prefix, when has_uri */
    struct span host;     /* $proxy_host: the port only where it is not the scheme's own */
    struct span port;     /* $proxy_port */
    struct span url;      /* as written, for proxy_redirect default */
    struct upstream_settings *upstream; /* NULL where `dynamic` decides at run time */
    const struct template *dynamic;     /* the URL has variables; NULL otherwise */
};

struct proxy_header {
    struct span name;
    uint8_t id; /* enum field_id */
    struct template value; /* evaluates to nothing: the field is not sent */
};

struct proxy_redirect {
    struct span from;
    struct template to;
};

struct proxy_settings {
    struct proxy_pass pass; /* not inherited by nested locations */
    const struct proxy_header *headers;
    size_t headers_count;
    unsigned http_version; /* 10 or 11 */
    uint64_t connect_timeout_ms, send_timeout_ms, read_timeout_ms;
    uint64_t buffer_size; /* of a response's head; 0 cannot be */
    unsigned next_upstream; /* bits of enum proxy_next */
    uint64_t next_upstream_tries, next_upstream_timeout_ms;
    bool pass_request_headers, pass_request_body, pass_trailers;
    bool ignore_client_abort;
    bool socket_keepalive;
    bool websocket;            /* extension: passes Upgrade: websocket on by itself */
    bool redirect_off;         /* proxy_redirect off */
    bool redirect_default;     /* Location "URL of proxy_pass..." -> the location's prefix */
    const struct proxy_redirect *redirects;
    size_t redirects_count;
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
    struct span ssl_trusted_certificate;
    struct tls_client *tls; /* made of those when a location with https:// is merged; NULL otherwise */
};

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
