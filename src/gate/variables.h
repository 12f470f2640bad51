/* The variables of a request, and what else is asked of it by name. Most are a `get` of conf/template.h for a row of variables.c. */
#ifndef GATE_VARIABLES_H
#define GATE_VARIABLES_H

#include "base/span.h"

struct computed_value;
struct request;
struct template;
struct variables;

/* variables.c: all of them */
extern const struct variables request_variables;

/* All of the client's fields of a name (lower case, '_' for '-'), joined as $http_... is. */
bool request_field_list(struct request *r, struct span name, struct span *value);
/* The first argument of that name. */
bool request_argument(struct request *r, struct span name, struct span *value);
/* The first of them alone. */
bool request_field_first(const struct request *r, struct span name, struct span *value);

/* variables_computed.c */

/* A variable of the configuration gets a value of "set". */
void variables_set(struct request *r, uintptr_t variable, struct span value);

/* The same, with what a template is for another request of the same client. */
void variables_set_from(struct request *r, uintptr_t variable, struct request *of,
                        const struct template *t);

/* Where all values of "set" and its like are, for a request inside of r to share. */
struct computed_value *variables_share(struct request *r);

bool variables_computed(void *subject, struct span rest, uintptr_t of, struct span *value);

/* Of one of these, by its row's `of`: its value; false where nothing has set it yet. */
bool variables_defined(struct request *r, uintptr_t variable, struct span *value);

/* variables_auth.c */
bool variables_user(void *subject, struct span rest, uintptr_t of, struct span *value);
bool variables_invalid_referer(void *subject, struct span rest, uintptr_t of,
                               struct span *value);
bool variables_secure_link(void *subject, struct span rest, uintptr_t of, struct span *value);
bool variables_real_address(void *subject, struct span rest, uintptr_t of, struct span *value);

/* variables_fields.c: `of` is an enum field_id for variables_field, and nothing for the others */
bool variables_http(void *subject, struct span rest, uintptr_t of, struct span *value);
bool variables_field(void *subject, struct span rest, uintptr_t of, struct span *value);
bool variables_upstream_http(void *subject, struct span rest, uintptr_t of,
                             struct span *value);
bool variables_sent_http(void *subject, struct span rest, uintptr_t of, struct span *value);
bool variables_sent_trailer(void *subject, struct span rest, uintptr_t of, struct span *value);
bool variables_upstream_trailer(void *subject, struct span rest, uintptr_t of,
                                struct span *value);
bool variables_cookies(void *subject, struct span rest, uintptr_t of, struct span *value);
bool variables_upstream_cookie(void *subject, struct span rest, uintptr_t of,
                               struct span *value);
bool variables_argument(void *subject, struct span rest, uintptr_t of, struct span *value);

/* The value of a cookie of the request. */
bool variables_cookie(const struct request *r, struct span name, struct span *value);

/* variables_announced.c: of says which */
bool variables_announced(void *subject, struct span rest, uintptr_t of, struct span *value);

bool variables_announced_more(void *subject, struct span rest, uintptr_t of,
                              struct span *value);

/* variables_machine.c: `of` says which, for those that have a list */
enum variables_tcp_fact {
    VARIABLES_TCP_RTT,
    VARIABLES_TCP_RTTVAR,
    VARIABLES_TCP_WINDOW,
    VARIABLES_TCP_SPACE,
};
enum variables_connections_fact {
    VARIABLES_CONNECTIONS_ACTIVE,
    VARIABLES_CONNECTIONS_READING,
    VARIABLES_CONNECTIONS_WRITING,
    VARIABLES_CONNECTIONS_WAITING,
};
bool variables_tcp(void *subject, struct span rest, uintptr_t of, struct span *value);
bool variables_connections(void *subject, struct span rest, uintptr_t of, struct span *value);
bool variables_real_root(void *subject, struct span rest, uintptr_t of, struct span *value);
bool variables_gzip_ratio(void *subject, struct span rest, uintptr_t of, struct span *value);
bool variables_date(void *subject, struct span rest, uintptr_t of, struct span *value);
bool variables_request_port(void *subject, struct span rest, uintptr_t of, struct span *value);
bool variables_rate(void *subject, struct span rest, uintptr_t of, struct span *value);
/* Of what gate has not: empty, as $http2, or no value at all, as $upstream_cache_status */
enum variables_nothing { VARIABLES_NOTHING_EMPTY, VARIABLES_NOTHING_AT_ALL };
bool variables_nothing(void *subject, struct span rest, uintptr_t of, struct span *value);

/* variables_limit.c: of is an offset in struct request */
bool variables_limit(void *subject, struct span rest, uintptr_t of, struct span *value);
/* request_slice.c */
bool variables_slice_range(void *subject, struct span rest, uintptr_t of, struct span *value);

/* variables_tls.c: `of` is one of these, and an enum tls_peer for variables_peer */
enum variables_tls {
    VARIABLES_TLS_PROTOCOL,
    VARIABLES_TLS_CIPHER,
    VARIABLES_TLS_NAME,
    VARIABLES_TLS_REUSED,
    VARIABLES_TLS_EARLY,
};
bool variables_tls(void *subject, struct span rest, uintptr_t of, struct span *value);
bool variables_peer(void *subject, struct span rest, uintptr_t of, struct span *value);

/* request_userid.c */
enum variables_userid { VARIABLES_UID_GOT, VARIABLES_UID_SET };
bool variables_userid(void *subject, struct span rest, uintptr_t of, struct span *value);

/* variables_visitor.c */
enum variables_browser {
    VARIABLES_BROWSER_MODERN,
    VARIABLES_BROWSER_ANCIENT,
    VARIABLES_BROWSER_MSIE,
};
bool variables_browser(void *subject, struct span rest, uintptr_t of, struct span *value);

/* variables_body.c */
bool variables_body(void *subject, struct span rest, uintptr_t of, struct span *value);
bool variables_body_file(void *subject, struct span rest, uintptr_t of, struct span *value);

#endif
