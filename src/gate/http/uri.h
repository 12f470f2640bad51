/* Paths and queries: the one normal form that all of gate uses, and the way back to the wire. */
#ifndef GATE_HTTP_URI_H
#define GATE_HTTP_URI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rc.h"
#include "base/span.h"

/*
 * The path of a request target ("/a/%62/../c?x=1#f") in nginx's normal form: decoded once, "." and ".."
 * resolved, slashes merged where `merge_slashes`, the fragment cut. `path` needs room for target.len + 1
 * bytes; *path_len are filled, followed by a NUL. `args` is a view into `target`, behind the first '?', or empty.
 * *plain says that the path's bytes are those of the target, unchanged.
 *
 * RC_FORMAT  answer 400: "..", above the root, "%00", "%zz", a control byte, an empty target
 */
enum rc uri_normalise(struct span target, bool merge_slashes, char *path, size_t *path_len,
                      struct span *args, bool *has_args, bool *plain);

enum uri_escape {
    URI_ESCAPE_PATH,     /* a path: ' ' '#' '%' '?' and bytes outside 0x21..0x7e */
    URI_ESCAPE_ARGS,     /* a query */
    URI_ESCAPE_COMPONENT /* all but unreserved characters */
};

/* Into `to`, which needs room for 3 * from.len bytes; returns the length. */
size_t uri_escape(struct span from, enum uri_escape how, char *to);

/*
 * "Example.com.:8080" -> host "example.com", in `host` with room for authority.len bytes (lower case,
 * no port, no final dot); an IPv6 literal keeps its brackets. RC_FORMAT: answer 400.
 */
enum rc uri_host(struct span authority, char *host, size_t *host_len);

#endif
