/* The server that a session stays with: "sticky" of an upstream block. */
#include <time.h>

#include "base/clock.h"
#include "crypto/hash.h"
#include "gate/request_proxy.h"
#include "gate/respond/http_date.h"
#include "gate/sticky/session.h"
#include "gate/upstream/server_place.h"
#include "gate/variables.h"

/* The first that is not empty; at most as long as a zone's key: the hash stands for what is longer. */
static struct span first_of(struct request *r, const struct template *list, size_t count,
                            bool shorten)
{
    const struct hash *hash = hash_find("sha256");
    uint8_t *digest;

    for (size_t i = 0; i < count; i++) {
        struct buffer text = buffer_over(r->service->in, SCRATCH_IN);
        struct span value;

        template_write(&list[i], r, &text);
        value = buffer_span(&text);
        if (text.full || value.len == 0)
            continue;
        if (!shorten || value.len < hash->size)
            return arena_copy(&r->arena, value);
        digest = request_memory(r, 1 + hash->size);
        if (!digest || hash_compute(hash, &value, 1, digest + 1, NULL) != RC_OK)
            break;
        digest[0] = 0;
        return span_of(digest, 1 + hash->size);
    }
    return (struct span){0};
}

/* 1 + its index; 0: no server of the group has that route. */
static size_t find_route(const struct upstream_settings *upstream, struct span route)
{
    for (size_t i = 0; route.len > 0 && i < upstream->count; i++)
        if (span_equal(server_place_route(&upstream->addresses[i]), route))
            return i + 1;
    return 0;
}

/* The number of a route in a zone: what the server has after a reload too. Never 0. */
static uint64_t number_of(struct span route)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    for (size_t i = 0; i < route.len; i++)
        hash = (hash ^ route.at[i]) * 1099511628211u;
    return hash | 1;
}

static size_t find_number(const struct upstream_settings *upstream, uint64_t number)
{
    for (size_t i = 0; number && i < upstream->count; i++)
        if (number_of(server_place_route(&upstream->addresses[i])) == number)
            return i + 1;
    return 0;
}

void request_find_session(struct request *r)
{
    const struct upstream_settings *upstream = pass_of(r)->upstream;
    const struct sticky_settings *s = &upstream->sticky;
    struct span value = {0};

    switch (s->kind) {
    case STICKY_NONE:
        return;
    case STICKY_COOKIE:
        if (variables_cookie(r, s->name, &value))
            r->choice.wanted = find_route(upstream, value);
        return;
    case STICKY_ROUTE:
        r->choice.wanted =
            find_route(upstream, first_of(r, s->lookup, s->lookup_count, false));
        return;
    case STICKY_LEARN:
        r->session = first_of(r, s->lookup, s->lookup_count, true);
        if (r->session.len > 0)
            r->choice.wanted = find_number(
                upstream, session_find(s->zone->zone, r->session, s->timeout_ms, clock_ms()));
        return;
    }
}

static void learn(struct request *r, const struct upstream_settings *upstream)
{
    const struct sticky_settings *s = &upstream->sticky;
    struct span created = first_of(r, s->create, s->create_count, true);
    uint64_t number = number_of(server_place_route(&upstream->addresses[r->target.peer]));

    if (created.len > 0)
        session_add(s->zone->zone, created, number, clock_ms());
    else if (r->choice.wanted && r->choice.wanted != r->target.peer + 1)
        session_add(s->zone->zone, r->session, number, clock_ms()); /* it has moved */
}

static void add_date(const struct sticky_settings *s, struct buffer *out)
{
    static const struct span last = SPAN("Thu, 31 Dec 2037 23:55:55 GMT");
    char text[HTTP_DATE_LEN];

    buffer_add(out, SPAN("; expires="));
    http_date_format(time(NULL) + (time_t)s->expires_s, text);
    buffer_add(out, s->expires_max ? last : span_of(text, sizeof text));
}

static void add_attribute(struct buffer *out, const char *name, struct span value)
{
    if (value.len == 0)
        return;
    buffer_add_text(out, name);
    buffer_add(out, value);
}

static void add_cookie(struct request *r, const struct upstream_settings *upstream,
                       struct buffer *out)
{
    const struct sticky_settings *s = &upstream->sticky;

    buffer_add(out, SPAN("Set-Cookie: "));
    buffer_add(out, s->name);
    buffer_add(out, SPAN("="));
    buffer_add(out, server_place_route(&upstream->addresses[r->target.peer]));
    if (s->expires)
        add_date(s, out);
    add_attribute(out, "; domain=", s->domain);
    add_attribute(out, "; path=", s->path);
    if (s->secure)
        buffer_add(out, SPAN("; secure"));
    if (s->http_only)
        buffer_add(out, SPAN("; httponly"));
    add_attribute(out,
                  "; samesite=", first_of(r, &s->same_site, s->same_site.count > 0, false));
    buffer_add(out, SPAN("\r\n"));
}

void request_keep_session(struct request *r, struct buffer *out)
{
    const struct upstream_settings *upstream = r->target.upstream;

    if (!r->peers)
        return;
    if (upstream->sticky.kind == STICKY_LEARN)
        learn(r, upstream);
    else if (upstream->sticky.kind == STICKY_COOKIE && r->choice.wanted != r->target.peer + 1)
        add_cookie(r, upstream, out);
}
