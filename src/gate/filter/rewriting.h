/* Values of fields that rules replace: proxy_redirect, proxy_cookie_domain, proxy_cookie_path and proxy_cookie_flags. */
#ifndef GATE_FILTER_REWRITING_H
#define GATE_FILTER_REWRITING_H

#include "gate/route/location.h"
#include "gate/upstream/proxy_settings.h"

/* For whom a value is rewritten. */
struct rewriting_turn {
    void *subject;             /* of templates */
    struct captures *captures; /* those of an expression that matches go here */
};

/* Where the value begins with the rule's text, or fits its expression, the new value goes to `out`. */
bool rewriting_apply(const struct proxy_rewrite *rule, struct span value,
                     const struct rewriting_turn *turn, struct buffer *out);

/* A Set-Cookie by all rules of the settings; false where none of them changes it. */
bool rewriting_cookie(const struct proxy_settings *s, struct span value,
                      const struct rewriting_turn *turn, struct buffer *out);

#endif
