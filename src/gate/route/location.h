/* Which location a path belongs to: nginx's five kinds and nesting. Knows no request. */
#ifndef GATE_ROUTE_LOCATION_H
#define GATE_ROUTE_LOCATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/fault.h"
#include "base/span.h"

enum location_kind {
    LOCATION_EXACT,        /* = */
    LOCATION_PREFIX,       /* none */
    LOCATION_PREFIX_FIRST, /* ^~ */
    LOCATION_REGEX,        /* ~ */
    LOCATION_REGEX_NOCASE, /* ~* */
    LOCATION_NAMED,        /* @ */
};

struct regex; /* conf/regex.h */

struct location_pattern {
    enum location_kind kind;
    struct span text;   /* without its modifier: prefix, path, expression or name */
    struct regex *regex;
};

struct location; /* gate/site.h */

/* What one context holds, sorted for the search when the context ends. {0} holds none. */
struct location_tree {
    struct location_set *set;
};

/* The captures of the regex that matched last: $1 .. $9 and named ones. */
struct captures {
    struct span subject;
    uint32_t count; /* pairs of offsets */
    uint32_t at[2 * 20];
    const struct regex *regex;
};

struct location_found {
    const struct location *location; /* NULL: none matches, the server's own settings hold */
    bool add_slash;                  /* "/x" where there is a proxied "/x/": answer 301 to path + '/' */
};

struct location_found location_find(const struct location_tree *tree, struct span path,
                                    struct captures *captures);

/* The named one ("@name"), or NULL. */
const struct location *location_find_named(const struct location_tree *tree, struct span name);

#endif
