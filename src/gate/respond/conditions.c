#include "gate/respond/conditions.h"

#include "gate/respond/http_date.h"

static bool is_there(struct span value)
{
    return value.at != NULL;
}

static struct span without_weak(struct span tag)
{
    if (span_starts(tag, SPAN("W/")))
        span_cut(&tag, 2);
    return tag;
}

static struct span trim(struct span s)
{
    while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t'))
        span_cut(&s, 1);
    while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* One entity-tag off the front of the list: a comma may stand between its quotes. */
static struct span next_tag(struct span *list)
{
    size_t at = 0;
    bool quoted = false;

    while (at < list->len && (quoted || list->at[at] != ','))
        if (list->at[at++] == '"')
            quoted = !quoted;
    struct span tag = trim(span_cut(list, at));

    span_cut(list, 1);
    return tag;
}

/* RFC 9110, section 8.8.3.2: the weak comparison minds no "W/", the strong one lets none be
 * equal. */
static bool tag_is_listed(struct span list, struct span etag, bool weak)
{
    if (span_equal(trim(list), SPAN("*")))
        return true;
    if (etag.len == 0 || (!weak && span_starts(etag, SPAN("W/"))))
        return false;
    while (list.len > 0) {
        struct span tag = next_tag(&list);

        if (weak ? span_equal(without_weak(tag), without_weak(etag)) : span_equal(tag, etag))
            return true;
    }
    return false;
}

static bool is_unmodified_since(struct span date, const struct validators *validators)
{
    time_t when;

    return validators->has_modified && http_date_parse(date, &when) &&
           validators->modified <= when;
}

static bool is_modified_at(struct span date, const struct validators *validators)
{
    time_t when;

    return validators->has_modified && http_date_parse(date, &when) &&
           validators->modified == when;
}

unsigned conditions_check(const struct conditions *c, const struct validators *validators)
{
    if (is_there(c->if_unmodified_since) &&
        !is_unmodified_since(c->if_unmodified_since, validators))
        return 412;
    if (is_there(c->if_match) && !tag_is_listed(c->if_match, validators->etag, false))
        return 412;
    if (!is_there(c->if_modified_since) && !is_there(c->if_none_match))
        return 200;
    if (is_there(c->if_modified_since) && c->since != CONDITIONS_OFF &&
        !(c->since == CONDITIONS_BEFORE ? is_unmodified_since
                                        : is_modified_at)(c->if_modified_since, validators))
        return 200;
    if (is_there(c->if_modified_since) && c->since == CONDITIONS_OFF)
        return 200;
    if (is_there(c->if_none_match) && !tag_is_listed(c->if_none_match, validators->etag, true))
        return 200;
    return 304;
}

bool conditions_allow_range(const struct conditions *c, const struct validators *validators)
{
    struct span value = c->if_range;

    if (!is_there(value))
        return true;
    if (value.len >= 2 && value.at[value.len - 1] == '"')
        return !span_starts(value, SPAN("W/")) && span_equal(value, validators->etag);
    return is_modified_at(value, validators);
}
