#include "gate/route/server_names.h"

#include "gate/conf/regex.h"
#include "gate/route/sorted.h"

struct expression {
    struct expression *next;
    const struct regex *regex;
    const struct server *server;
};

struct server_names {
    struct sorted exact;
    struct sorted tails; /* "x.y" of "*.x.y" */
    struct sorted heads; /* "x.y" of "x.y.*" */
    struct expression *expressions, **last;
};

struct server_names *server_names_open(struct arena *arena)
{
    struct server_names *names = arena_take(arena, sizeof *names);

    if (names)
        names->last = &names->expressions;
    return names;
}

static enum rc add(struct sorted *to, struct span name, const struct server *server,
                   struct arena *arena)
{
    struct sorted_row *row = sorted_insert(to, name, arena);

    if (!row)
        return RC_MEMORY;
    if (row->of)
        return RC_BUSY;
    memcpy(&row->of, &server, sizeof server); /* it leaves as const again */
    return RC_OK;
}

static enum rc add_expression(struct server_names *names, const struct regex *regex,
                              const struct server *server, struct arena *arena)
{
    struct expression *e = arena_take(arena, sizeof *e);

    if (!e)
        return RC_MEMORY;
    e->regex = regex;
    e->server = server;
    *names->last = e;
    names->last = &e->next;
    return RC_OK;
}

/* At most one '*', no empty label, no NUL. */
static bool is_well_formed(struct span name, size_t *stars)
{
    *stars = 0;
    for (size_t i = 0; i < name.len; i++) {
        *stars += name.at[i] == '*';
        if (name.at[i] == 0 || (i > 0 && name.at[i] == '.' && name.at[i - 1] == '.'))
            return false;
    }
    return *stars <= 1;
}

static struct span without_first(struct span s, size_t count)
{
    return span_of(s.at + count, s.len - count);
}

enum rc server_names_add(struct server_names *names, struct span name,
                         const struct regex *regex, const struct server *server,
                         struct arena *arena)
{
    size_t stars;

    if (regex)
        return add_expression(names, regex, server, arena);
    if (!is_well_formed(name, &stars))
        return RC_FORMAT;
    if (name.len > 1 && name.at[0] == '.' && stars == 0) {
        enum rc rc = add(&names->exact, without_first(name, 1), server, arena);
        enum rc tail = add(&names->tails, without_first(name, 1), server, arena);

        return rc != RC_OK ? rc : tail;
    }
    if (name.len > 2 && span_starts(name, SPAN("*.")))
        return add(&names->tails, without_first(name, 2), server, arena);
    if (name.len > 2 && name.at[name.len - 1] == '*' && name.at[name.len - 2] == '.')
        return add(&names->heads, span_of(name.at, name.len - 2), server, arena);
    return stars > 0 ? RC_FORMAT : add(&names->exact, name, server, arena);
}

/* Longest first: from the first dot on. */
static const struct server *find_tail(const struct sorted *tails, struct span host)
{
    for (size_t i = 1; tails->count > 0 && i + 1 < host.len; i++) {
        const struct server *server;

        if (host.at[i] == '.' && (server = sorted_find(tails, without_first(host, i + 1))))
            return server;
    }
    return NULL;
}

/* Longest first: up to the last dot. */
static const struct server *find_head(const struct sorted *heads, struct span host)
{
    for (size_t i = host.len; heads->count > 0 && i-- > 1;) {
        const struct server *server;

        if (host.at[i] == '.' && (server = sorted_find(heads, span_of(host.at, i))))
            return server;
    }
    return NULL;
}

const struct server *server_names_find(const struct server_names *names, struct span host,
                                       struct captures *captures)
{
    const struct server *server = sorted_find(&names->exact, host);

    if (server || (server = find_tail(&names->tails, host)) ||
        (server = find_head(&names->heads, host)))
        return server;
    for (const struct expression *e = names->expressions; e && host.len > 0; e = e->next) {
        if (regex_match(e->regex, host, captures->at, CAPTURES_MAX, &captures->count)) {
            captures->subject = host;
            captures->regex = e->regex;
            return e->server;
        }
    }
    return NULL;
}
