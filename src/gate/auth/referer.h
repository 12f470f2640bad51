/* Which pages may link here: valid_referers. Knows no request. */
#ifndef GATE_AUTH_REFERER_H
#define GATE_AUTH_REFERER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

struct regex;

enum referer_kind { REFERER_EXACT, REFERER_LEADING, REFERER_TRAILING };

/* "www.example.com", "*.example.com", ".example.com" or "example.*", and perhaps "/path" behind it. */
struct referer_name {
    enum referer_kind kind;
    bool and_itself;  /* ".example.com": example.com too */
    struct span host; /* lower case; of a wildcard, with the dot and without the asterisk */
    struct span path; /* empty: any */
};

struct referer_rules {
    bool used;
    bool none;         /* requests without the field are valid */
    bool blocked;      /* those whose field has no scheme, as firewalls leave it */
    bool server_names; /* the names of the server itself */
    const struct referer_name *names;
    size_t names_count;
    const struct regex *const *expressions; /* over what stands behind the scheme */
    size_t expressions_count;
};

enum { REFERER_HOST_MAX = 256 };

/* The host of a value that has a scheme, in lower case. False: it has none, or it is too long. */
bool referer_host(struct span value, char host[REFERER_HOST_MAX], size_t *len,
                  bool *has_scheme);

/* `value` is the field's; at NULL: there is none. `is_own`: its host is a name of the server itself. */
bool referer_is_valid(const struct referer_rules *rules, struct span value, bool is_own);

#endif
