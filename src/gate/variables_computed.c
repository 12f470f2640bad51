/* The variables that a configuration computes of others: each once for a request, when it is first asked for. */
#include "gate/conf/value.h"
#include "gate/map/computed.h"
#include "gate/request.h"
#include "gate/variables.h"

enum {
    TEXT_SMALL = 1024,      /* bytes that most texts with variables fit in */
    TEXT_LARGE = 128 * 1024 /* more is not evaluated */
};

struct computed_value {
    enum { UNKNOWN, BUSY, KNOWN } state;
    struct span value;
};

struct computed_value *variables_share(struct request *r)
{
    if (!r->computed)
        r->computed =
            arena_take_array(&r->arena, r->service->site->computed_count, sizeof *r->computed);
    return r->computed;
}

static struct computed_value *value_of(struct request *r, const struct computed *c)
{
    return variables_share(r) ? &r->computed[c->index] : NULL;
}

/* In memory of the request, unless it is a variable's own text. */
static bool evaluate(struct request *r, const struct template *t, struct span *value)
{
    uint8_t small[TEXT_SMALL];
    struct buffer out = buffer_over(small, sizeof small);

    *value = (struct span){0};
    if (template_is_constant(t)) {
        *value = template_constant(t);
        return true;
    }
    if (t->count == 1) {
        const struct template_part *part = &t->parts[0];

        if (!part->variable->get(r, part->rest, part->variable->of, value))
            *value = (struct span){0};
        return true;
    }
    template_write(t, r, &out);
    if (out.full) {
        out = buffer_over(request_memory(r, TEXT_LARGE), TEXT_LARGE);
        if (!out.at)
            return false;
        template_write(t, r, &out);
        *value = buffer_span(&out);
        return !out.full;
    }
    *value = arena_copy(&r->arena, buffer_span(&out));
    return value->at != NULL;
}

/* The captures of a map's expressions are its own values' alone. */
static bool look_up(struct request *r, const struct map *map, struct span text,
                    struct span *value)
{
    struct captures before;
    const struct template *found;
    bool has;

    if (map->expressions_count == 0) {
        found = map_find(map, text, &r->captures);
        return found && evaluate(r, found, value);
    }
    before = r->captures;
    found = map_find(map, text, &r->captures);
    has = found && evaluate(r, found, value);
    r->captures = before;
    return has;
}

/* Of the client, or that which the text is; of whom a proxy that is trusted asks for. None where it is none. */
static struct cidr_address address_for(struct request *r, const struct computed *c,
                                       struct span text)
{
    struct address address;
    struct cidr_address given;
    struct span list;

    if (c->source.count == 0)
        request_address(r, &address);
    else if (c->proxies.count == 0 || address_from_literal(text, 0, &address) != RC_OK)
        return cidr_parse_address(text, &given) == RC_OK ? given : (struct cidr_address){0};
    if (c->proxies.count > 0 && request_field_list(r, SPAN("x_forwarded_for"), &list))
        (void)real_ip_find(&c->proxies, list, c->proxies_recursive, &address);
    return cidr_address_of(&address);
}

static bool compute(struct request *r, const struct computed *c, struct span *value)
{
    const struct split_part *part;
    struct cidr_address address;
    struct span text;

    if (c->kind == COMPUTED_NONE) {
        if (request_settings(r)->rewrite.uninitialized_warn)
            request_log(r, LOG_LEVEL_WARN, "using uninitialized \"%.*s\" variable",
                        SPAN_ARG(c->name));
        return false;
    }
    if (!evaluate(r, &c->source, &text)) {
        request_log(r, LOG_LEVEL_ERROR, "the text that \"%.*s\" is computed of is too long",
                    SPAN_ARG(c->name));
        return false;
    }
    switch (c->kind) {
    case COMPUTED_NONE:
        return false;
    case COMPUTED_MAP:
        return look_up(r, &c->map, text, value);
    case COMPUTED_GEO:
        address = address_for(r, c, text);
        *value = geo_find(&c->geo, &address);
        return true;
    case COMPUTED_SPLIT:
        part = split_find(c->parts, c->parts_count, text);
        if (part)
            *value = part->value;
        return part;
    }
    return false;
}

void variables_set(struct request *r, uintptr_t variable, struct span value)
{
    struct computed_value *kept = value_of(r, (const struct computed *)variable);

    if (kept)
        *kept = (struct computed_value){KNOWN, value};
}

void variables_set_from(struct request *r, uintptr_t variable, struct request *of,
                        const struct template *t)
{
    struct span value;

    if (!evaluate(of, t, &value))
        return;
    if (variable == REWRITE_VARIABLE_ARGS) {
        r->args = value;
        r->has_args = value.len > 0;
    } else if (variable == REWRITE_VARIABLE_RATE) {
        r->has_told_rate = value_parse_size(value, false, &r->told_rate) == RC_OK;
    } else {
        variables_set(r, variable, value);
    }
}

bool variables_defined(struct request *r, uintptr_t variable, struct span *value)
{
    const struct computed *c = (const struct computed *)variable;
    const struct computed_value *kept = value_of(r, c);

    if (!kept || (kept->state == UNKNOWN && c->kind == COMPUTED_NONE))
        return false;
    return variables_computed(r, (struct span){0}, variable, value);
}

bool variables_computed(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    const struct computed *c = (const struct computed *)of;
    struct computed_value *kept = value_of(r, c);

    (void)rest;
    if (!kept)
        return false;
    if (kept->state == BUSY) {
        request_log(r, LOG_LEVEL_ERROR, "cycle while evaluating variable \"%.*s\"",
                    SPAN_ARG(c->name));
        return false;
    }
    if (kept->state == UNKNOWN || c->is_volatile) {
        kept->state = BUSY;
        kept->value = (struct span){0};
        if (!compute(r, c, &kept->value))
            kept->value = (struct span){0};
        kept->state = KNOWN;
    }
    *value = kept->value;
    return true;
}
