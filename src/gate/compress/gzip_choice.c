#include "gate/compress/gzip_choice.h"

#include "gate/conf/regex.h"
#include "gate/http/browser.h"
#include "gate/http/head.h"
#include "gate/respond/http_date.h"

/* "q=0", "q=0.", "q=0.000": not wanted. What is no weight is none either. */
static bool has_weight(struct span parameter)
{
    struct span q = field_trim(parameter);
    size_t digits = 0;
    bool zero = true;

    if (q.len < 3 || (q.at[0] | 0x20) != 'q' || q.at[1] != '=' ||
        (q.at[2] != '0' && q.at[2] != '1'))
        return false;
    zero = q.at[2] == '0';
    span_cut(&q, 3);
    if (q.len == 0)
        return !zero;
    if (span_cut(&q, 1).at[0] != '.')
        return false;
    for (; q.len > 0; digits++) {
        uint8_t digit = span_cut(&q, 1).at[0];

        if (digit < '0' || digit > '9' || digits == 3)
            return false;
        if (digit != '0' && !zero)
            return false; /* above 1 */
        zero = zero && digit == '0';
    }
    return !zero;
}

bool gzip_is_accepted(struct span accept_encoding)
{
    struct span member;

    while (field_list_next(&accept_encoding, &member)) {
        struct span coding = field_trim(span_cut(&member, span_find(member, ';')));

        if (!span_equal_nocase(coding, SPAN("gzip")))
            continue;
        if (member.len == 0)
            return true;
        span_cut(&member, 1);
        return has_weight(member);
    }
    return false;
}

static bool has_directive(struct span cache_control, struct span directive)
{
    struct span member;

    while (field_list_next(&cache_control, &member))
        if (span_equal_nocase(span_cut(&member, span_find(member, '=')), directive))
            return true;
    return false;
}

static bool is_expired(const struct gzip_facts *facts, time_t now)
{
    time_t expires, date = now;

    return http_date_parse(facts->expires, &expires) &&
           (facts->date.len == 0 || http_date_parse(facts->date, &date)) && expires < date;
}

/* gzip_proxied, for a request that came through a proxy: what the answer's fields say of caches decides. */
static bool is_for_proxies(const struct gzip_settings *s, const struct gzip_facts *facts,
                           time_t now)
{
    const unsigned p = s->proxied;
    const struct span control = facts->cache_control;

    if (p & GZIP_PROXIED_OFF)
        return false;
    if (p & GZIP_PROXIED_ANY || (p & GZIP_PROXIED_AUTH && facts->has_authorization))
        return true;
    if (facts->expires.len > 0)
        return p & GZIP_PROXIED_EXPIRED && is_expired(facts, now);
    if (control.len > 0)
        return (p & GZIP_PROXIED_NO_CACHE && has_directive(control, SPAN("no-cache"))) ||
               (p & GZIP_PROXIED_NO_STORE && has_directive(control, SPAN("no-store"))) ||
               (p & GZIP_PROXIED_PRIVATE && has_directive(control, SPAN("private")));
    return !(p & GZIP_PROXIED_NO_LAST_MODIFIED && facts->last_modified.len > 0) &&
           !(p & GZIP_PROXIED_NO_ETAG && facts->etag.len > 0);
}

static bool is_disabled(const struct gzip_settings *s, struct span agent)
{
    uint32_t at[2], count;

    if (s->disable_msie6 && browser_is_msie6(agent))
        return true;
    for (size_t i = 0; agent.len > 0 && i < s->disable_count; i++)
        if (regex_match(s->disable[i], agent, at, 1, &count))
            return true;
    return false;
}

bool gzip_may_be_sent(const struct gzip_settings *s, const struct gzip_facts *facts,
                      time_t now)
{
    return facts->version >= s->http_version && gzip_is_accepted(facts->accept_encoding) &&
           !(facts->has_via && !is_for_proxies(s, facts, now)) &&
           !is_disabled(s, facts->user_agent);
}

enum gzip_choice gzip_choose(const struct gzip_settings *s, const struct gzip_facts *facts,
                             time_t now)
{
    if (!s->on || (facts->status != 200 && facts->status != 403 && facts->status != 404) ||
        facts->content_encoding.len > 0 ||
        (facts->has_length && facts->length < s->min_length) ||
        !type_list_has(&s->types, facts->content_type))
        return GZIP_NEVER;
    return gzip_may_be_sent(s, facts, now) ? GZIP_SQUEEZE : GZIP_PLAIN;
}
