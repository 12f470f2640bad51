/* Paths and queries: the one normal form that all of gate uses, and the way back to the wire.
 */
#ifndef GATE_HTTP_URI_H
#define GATE_HTTP_URI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rc.h"
#include "base/span.h"

/*
 * The path of a request target ("/a/%62/../c?x=1#f") in nginx's normal form: decoded once, "."
 * and ".." resolved, slashes merged where `merge_slashes`, the fragment cut. `path` needs room
 * for target.len + 1 bytes; *path_len are filled, followed by a NUL. `args` is a view into
 * `target`, behind the first '?', or empty. *plain says that the path's bytes are those of the
 * target, unchanged.
 *
 * A target that begins with '?' (of "http://host?x=1") has the path "/".
 *
 * RC_FORMAT  answer 400: "..", above the root, "%00", "%zz", a control byte, an empty target
 */
enum rc uri_normalise(struct span target, bool merge_slashes, char *path, size_t *path_len,
                      struct span *args, bool *has_args, bool *plain);

enum uri_escape {
    URI_ESCAPE_PATH, /* a path: '#' '%' '?' '"' '<' '>' '\\' '^' '`' '{' '|' '}', blanks, 0x7f
                        and up */
    URI_ESCAPE_ARGS, /* a value for a query: of a path, and '&' '+' ';' */
    URI_ESCAPE_COMPONENT /* all but unreserved characters */
};

/* Into `to`, which needs room for 3 * from.len bytes; returns the length. */
size_t uri_escape(struct span from, enum uri_escape how, char *to);

/*
 * An authority without user information: host [":" port]. `host` is a view into it without a
 * final dot, an IPv6 literal with its brackets; *port is -1 where there is none. RC_FORMAT: an
 * empty host or label, a character that no host name has, a port beyond 65535. Source: RFC
 * 3986 section 3.2.
 */
enum rc uri_authority(struct span authority, struct span *host, int *port);

/*
 * "Example.com.:8080" -> host "example.com", in `host` with room for authority.len bytes
 * (lower case, no port, no final dot); an IPv6 literal keeps its brackets. RC_FORMAT: answer
 * 400.
 */
enum rc uri_host(struct span authority, char *host, size_t *host_len);

#endif
