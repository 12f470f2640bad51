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
    struct span text; /* without its modifier: prefix, path, expression or name */
    struct regex *regex;
};

struct location; /* gate/site.h */

/* What one context holds, sorted for the search when the context ends. {0} holds none. */
struct location_tree {
    struct location_set *set;
};

enum { CAPTURES_MAX = 20 };

/* The captures of the regex that matched last: $1 .. $9 and named ones. {0}: none did. */
struct captures {
    struct span
        subject;    /* what was searched: must stay where it is as long as they are used */
    uint32_t count; /* pairs of offsets */
    uint32_t at[2 * CAPTURES_MAX];
    const struct regex *regex;
};

/* Group `number` (0: the whole match); false where it took no part. */
bool captures_number(const struct captures *captures, unsigned number, struct span *value);

/* The same for "(?<name>...)", in any case of letters. */
bool captures_named(const struct captures *captures, struct span name, struct span *value);

struct location_found {
    const struct location *location; /* NULL: none matches, the server's own settings hold */
    bool add_slash; /* `location` is a proxied path + '/': answer 301 to there */
};

/*
 * `path` is decoded and in normal form. Exact ones end the search. Else the longest prefix, and in it its inner ones
 * (prefixes and then expressions) first; then, unless that prefix is ^~, the expressions of this context in
 * their order. *captures is written when an expression matches. Allocates nothing.
 */
struct location_found location_find(const struct location_tree *tree, struct span path,
                                    struct captures *captures);

/* The named one (text with its '@'), or NULL. */
const struct location *location_find_named(const struct location_tree *tree, struct span name);

/*
 * Adds one while the configuration is read; what it points to must outlive the tree. `add_slash`: it is proxied and
 * its text ends in '/'.
 *
 * RC_BUSY    there is one of the same text already (an expression may stand twice: the first one wins)
 * RC_MEMORY  no memory
 */
enum rc location_add(struct location_tree *tree, const struct location_pattern *pattern,
                     const struct location *location, const struct location_tree *inner,
                     bool add_slash, struct arena *arena);

/* When all are added. */
void location_sort(struct location_tree *tree);

#endif
