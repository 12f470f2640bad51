#include "gate/filter/rewriting.h"

#include "gate/conf/regex.h"
#include "gate/http/head.h"

enum { FROM_MAX = 1024, ATTRIBUTES_MAX = 32 };

/* ---- one value ---- */

static bool match(const struct regex *regex, struct span value,
                  const struct rewriting_turn *turn)
{
    struct captures found = {.subject = value, .regex = regex};

    if (!regex_match(regex, value, found.at, CAPTURES_MAX, &found.count))
        return false;
    *turn->captures = found;
    return true;
}

/* What the rule's text is for this request; false: it is too long to stand in a field. */
static bool text_of(const struct proxy_rewrite *rule, const struct rewriting_turn *turn,
                    struct buffer *text)
{
    template_write(&rule->from, turn->subject, text);
    return !text->full;
}

bool rewriting_apply(const struct proxy_rewrite *rule, struct span value,
                     const struct rewriting_turn *turn, struct buffer *out)
{
    uint8_t room[FROM_MAX];
    struct buffer from = buffer_over(room, sizeof room);

    if (rule->regex) {
        if (!match(rule->regex, value, turn))
            return false;
        template_write(&rule->to, turn->subject, out);
        return true;
    }
    if (!text_of(rule, turn, &from) || !span_starts(value, buffer_span(&from)))
        return false;
    span_cut(&value, from.len);
    template_write(&rule->to, turn->subject, out);
    buffer_add(out, value);
    return true;
}

/* All of it, in any case of letters, but for a dot in front of either. */
static bool apply_to_domain(const struct proxy_rewrite *rule, struct span value,
                            const struct rewriting_turn *turn, struct buffer *out)
{
    uint8_t room[FROM_MAX];
    struct buffer from = buffer_over(room, sizeof room);
    struct span name, bare = value;

    if (rule->regex)
        return rewriting_apply(rule, value, turn, out);
    if (!text_of(rule, turn, &from))
        return false;
    name = buffer_span(&from);
    if (span_starts(name, SPAN(".")))
        span_cut(&name, 1);
    if (span_starts(bare, SPAN(".")))
        span_cut(&bare, 1);
    if (!span_equal_nocase(name, bare))
        return false;
    buffer_add(out, span_of(value.at, value.len - bare.len));
    template_write(&rule->to, turn->subject, out);
    return true;
}

/* ---- cookies ---- */

struct attribute {
    struct span name, value;
    bool has_value;
};

struct cookie {
    struct attribute at[ATTRIBUTES_MAX + 3];
    size_t count;
    bool changed;
};

static bool parse(struct span text, struct cookie *cookie)
{
    while (text.len > 0) {
        struct span part = field_trim(span_cut(&text, span_find(text, ';')));
        struct attribute *a;

        span_cut(&text, 1);
        if (part.len == 0)
            continue;
        if (cookie->count == ATTRIBUTES_MAX)
            return false;
        a = &cookie->at[cookie->count++];
        a->name = span_cut(&part, span_find(part, '='));
        a->has_value = part.len > 0;
        span_cut(&part, 1);
        a->value = part;
    }
    return cookie->count > 0 && cookie->at[0].has_value;
}

/* The first rule that fits changes the attribute; `room` gets its new value. */
static void rewrite_attribute(struct cookie *cookie, const char *name,
                              const struct proxy_rewrite *rules, size_t count,
                              bool (*apply)(const struct proxy_rewrite *, struct span,
                                            const struct rewriting_turn *, struct buffer *),
                              const struct rewriting_turn *turn, struct buffer *room)
{
    for (size_t a = 1; count > 0 && a < cookie->count; a++) {
        if (!span_equal_nocase(cookie->at[a].name, span_text(name)) ||
            !cookie->at[a].has_value)
            continue;
        for (size_t i = 0; i < count; i++) {
            const size_t begin = room->len;

            if (!apply(&rules[i], cookie->at[a].value, turn, room))
                continue;
            cookie->at[a].value = span_of(room->at + begin, room->len - begin);
            cookie->changed = true;
            break;
        }
    }
}

static struct attribute *find(struct cookie *cookie, struct span name)
{
    for (size_t a = 1; a < cookie->count; a++)
        if (span_equal_nocase(cookie->at[a].name, name))
            return &cookie->at[a];
    return NULL;
}

static void drop(struct cookie *cookie, struct span name)
{
    struct attribute *found = find(cookie, name);

    if (!found)
        return;
    cookie->changed = true;
    cookie->count--;
    memmove(found, found + 1, (size_t)(cookie->at + cookie->count - found) * sizeof *found);
}

static void put(struct cookie *cookie, struct span name, struct span value)
{
    struct attribute *found = find(cookie, name);

    if (!found)
        cookie->at[cookie->count++] = (struct attribute){name, value, value.len > 0};
    else if (value.len > 0)
        *found = (struct attribute){found->name, value, true};
    cookie->changed = true;
}

static void apply_flag(struct cookie *cookie, enum proxy_cookie_flag flag)
{
    static const struct {
        struct span name, value;
    } flags[] = {
        [PROXY_COOKIE_SECURE] = {SPAN("Secure"), {0}},
        [PROXY_COOKIE_NOSECURE] = {SPAN("Secure"), {0}},
        [PROXY_COOKIE_HTTPONLY] = {SPAN("HttpOnly"), {0}},
        [PROXY_COOKIE_NOHTTPONLY] = {SPAN("HttpOnly"), {0}},
        [PROXY_COOKIE_SAMESITE] = {SPAN("SameSite"), {0}},
        [PROXY_COOKIE_STRICT] = {SPAN("SameSite"), SPAN("Strict")},
        [PROXY_COOKIE_LAX] = {SPAN("SameSite"), SPAN("Lax")},
        [PROXY_COOKIE_NONE] = {SPAN("SameSite"), SPAN("None")},
        [PROXY_COOKIE_NOSAMESITE] = {SPAN("SameSite"), {0}},
    };

    if (flag == PROXY_COOKIE_NOSECURE || flag == PROXY_COOKIE_NOHTTPONLY ||
        flag == PROXY_COOKIE_NOSAMESITE)
        drop(cookie, flags[flag].name);
    else
        put(cookie, flags[flag].name, flags[flag].value);
}

static bool is_named(const struct proxy_cookie_rule *rule, struct span name,
                     const struct rewriting_turn *turn)
{
    uint8_t room[FROM_MAX];
    struct buffer text = buffer_over(room, sizeof room);

    if (rule->regex)
        return match(rule->regex, name, turn);
    template_write(&rule->name, turn->subject, &text);
    return !text.full && span_equal_nocase(buffer_span(&text), name);
}

/* Those of its words, and what variables add to these. */
static unsigned flags_of(const struct proxy_cookie_rule *rule,
                         const struct rewriting_turn *turn)
{
    unsigned flags = rule->flags;

    for (size_t i = 0; i < rule->made_count; i++) {
        uint8_t room[32];
        struct buffer text = buffer_over(room, sizeof room);

        template_write(&rule->made[i], turn->subject, &text);
        if (!text.full)
            flags |= proxy_cookie_flag_of(buffer_span(&text));
    }
    return flags;
}

static void apply_flags(const struct proxy_settings *s, struct cookie *cookie,
                        const struct rewriting_turn *turn)
{
    for (size_t i = 0; i < s->cookie_flags_count; i++) {
        const struct proxy_cookie_rule *rule = &s->cookie_flags[i];
        unsigned flags;

        if (!is_named(rule, cookie->at[0].name, turn))
            continue;
        flags = flags_of(rule, turn);
        for (unsigned f = 0; f < PROXY_COOKIE_FLAGS; f++)
            if (flags >> f & 1)
                apply_flag(cookie, (enum proxy_cookie_flag)f);
        return;
    }
}

bool rewriting_cookie(const struct proxy_settings *s, struct span value,
                      const struct rewriting_turn *turn, struct buffer *out)
{
    uint8_t room[4 * FROM_MAX];
    struct buffer values = buffer_over(room, sizeof room);
    struct cookie cookie = {.count = 0};

    if (!parse(value, &cookie))
        return false;
    rewrite_attribute(&cookie, "domain", s->cookie_domains, s->cookie_domains_count,
                      apply_to_domain, turn, &values);
    rewrite_attribute(&cookie, "path", s->cookie_paths, s->cookie_paths_count, rewriting_apply,
                      turn, &values);
    apply_flags(s, &cookie, turn);
    if (!cookie.changed || values.full)
        return false;
    for (size_t a = 0; a < cookie.count; a++) {
        if (a > 0)
            buffer_add(out, SPAN("; "));
        buffer_add(out, cookie.at[a].name);
        if (cookie.at[a].has_value) {
            buffer_add(out, SPAN("="));
            buffer_add(out, cookie.at[a].value);
        }
    }
    return true;
}
