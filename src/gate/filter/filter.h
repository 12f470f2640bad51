/*
 * Which fields pass through a proxy, and how. Made once for each location from its proxy_*
 * directives, asked once for each field: a lookup by id for known names, a small hash for
 * those that directives name.
 *
 * The messages' framing is the caller's: Content-Length and Transfer-Encoding never pass, but
 * are written anew.
 */
#ifndef GATE_FILTER_FILTER_H
#define GATE_FILTER_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/fault.h"
#include "gate/filter/rewriting.h"
#include "gate/http/head.h"

enum filter_bit {
    FILTER_REQUEST_DROPS = 1,  /* the client's field does not go upstream */
    FILTER_REQUEST_SETS = 2,   /* proxy_set_header names it */
    FILTER_RESPONSE_DROPS = 4, /* the origin's field does not go to the client */
};

/* A set of names without an id. */
struct filter_names {
    uint64_t lengths; /* bit n % 64: there is one of n bytes */
    struct filter_name *slots;
    uint32_t mask; /* how many slots, less one: they are a power of two */
};

struct filter {
    uint8_t known[FIELD_COUNT]; /* enum filter_bit */
    struct filter_names names;
    const struct proxy_settings *settings;
    struct span default_from, default_to; /* proxy_redirect default; empty: none */
};

/*
 * `prefix` is the location's own ("" for a regex or named one), for proxy_redirect default.
 * All of it, the settings and the arena must outlive the filter, which owns nothing.
 * RC_MEMORY.
 */
enum rc filter_open(struct filter *filter, const struct proxy_settings *settings,
                    struct span prefix, struct arena *arena, struct fault *why);

/*
 * Does Connection name fields of this message (more than close, keep-alive, upgrade)? Asked
 * once for each message; the answer goes to the two below. For a 101 say false: its Upgrade
 * must pass.
 */
bool filter_nominates(const struct head *head);

/* Is this field of the client's kept from the origin? */
bool filter_request_drops(const struct filter *filter, const struct head *head,
                          const struct field *field, bool nominates);

/* Is this field of the origin's kept from the client? */
bool filter_response_drops(const struct filter *filter, const struct head *head,
                           const struct field *field, bool nominates);

/* Does proxy_set_header name this one? Then the caller's own (Host, Connection ...) is not
 * sent. */
static inline bool filter_sets(const struct filter *filter, enum field_id id)
{
    return filter->known[id] & FILTER_REQUEST_SETS;
}

/* Does the origin's own pass (proxy_pass_header Server; Date)? Then gate's is sent only where
 * it has none. */
static inline bool filter_passes(const struct filter *filter, enum field_id id)
{
    return !(filter->known[id] & FILTER_RESPONSE_DROPS);
}

/*
 * proxy_redirect: the new value of a Location, or of a Refresh field ("5; url=..."), goes to
 * `out`; false where none of the pairs fits, and the value passes as it is. A new Location
 * that begins with '/' is made absolute by the caller (respond/redirect.h); one that passes
 * unchanged is not. Too small a buffer leaves out->full set. The same of a Set-Cookie by
 * proxy_cookie_...
 */
bool filter_location(const struct filter *filter, struct span value,
                     const struct rewriting_turn *turn, struct buffer *out);
bool filter_refresh(const struct filter *filter, struct span value,
                    const struct rewriting_turn *turn, struct buffer *out);
bool filter_cookie(const struct filter *filter, struct span value,
                   const struct rewriting_turn *turn, struct buffer *out);

#endif
