#include "gate/sticky/sticky_settings.h"

#include "gate/conf/value.h"

enum { TIMEOUT_MS = 10 * 60 * 1000 };

static bool cut_name(struct span *word, const char *name)
{
    if (!span_starts(*word, span_text(name)))
        return false;
    span_cut(word, strlen(name));
    return true;
}

static enum rc refuse(struct conf *conf, size_t i)
{
    return conf_fail(conf, i, NULL, "invalid parameter \"%.*s\"",
                     SPAN_ARG(conf_word(conf, i)));
}

static enum rc parse_expires(struct conf *conf, size_t i, struct span word,
                             struct sticky_settings *s)
{
    s->expires = true;
    s->expires_max = span_equal(word, SPAN("max"));
    if (!s->expires_max && value_parse_seconds(word, &s->expires_s) != RC_OK)
        return refuse(conf, i);
    return RC_OK;
}

/* No byte may end the cookie's attribute, or the field. */
static bool is_plain(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] >= 0x7f || text.at[i] == ';' || text.at[i] == ',')
            return false;
    return text.len > 0;
}

static enum rc parse_cookie_word(struct conf *conf, size_t i, struct sticky_settings *s)
{
    struct span word = conf_word(conf, i);

    if (cut_name(&word, "expires="))
        return parse_expires(conf, i, word, s);
    if (cut_name(&word, "domain=") && is_plain(word)) {
        s->domain = word;
        return RC_OK;
    }
    if (cut_name(&word, "path=") && is_plain(word)) {
        s->path = word;
        return RC_OK;
    }
    if (span_equal(word, SPAN("httponly")))
        return s->http_only = true, RC_OK;
    if (span_equal(word, SPAN("secure")))
        return s->secure = true, RC_OK;
    if (cut_name(&word, "samesite=") &&
        (span_equal(word, SPAN("strict")) || span_equal(word, SPAN("lax")) ||
         span_equal(word, SPAN("none")) || span_starts(word, SPAN("$"))))
        return conf_template(conf, i, word, &s->same_site);
    return refuse(conf, i);
}

static enum rc parse_cookie(struct conf *conf, struct sticky_settings *s)
{
    enum rc rc = RC_OK;

    s->kind = STICKY_COOKIE;
    s->name = conf_word(conf, 2);
    if (conf_words(conf) < 3 || !is_plain(s->name) || span_find(s->name, '=') < s->name.len)
        return conf_fail(conf, conf_words(conf) < 3 ? 1 : 2, "sticky cookie NAME",
                         "invalid cookie name \"%.*s\"", SPAN_ARG(s->name));
    for (size_t i = 3; i < conf_words(conf) && rc == RC_OK; i++)
        rc = parse_cookie_word(conf, i, s);
    return rc;
}

static enum rc add_template(struct conf *conf, size_t i, struct span word,
                            const struct template **list, size_t *count)
{
    struct template *all = NULL, *made, value;
    enum rc rc = conf_template(conf, i, word, &value);

    if (rc != RC_OK)
        return rc;
    if (*count > 0)
        memcpy(&all, list, sizeof all);
    if (!(made = conf_add(conf, (void **)&all, count, sizeof *made)))
        return RC_MEMORY;
    *made = value;
    *list = all;
    return RC_OK;
}

static enum rc parse_route(struct conf *conf, struct sticky_settings *s)
{
    enum rc rc = RC_OK;

    s->kind = STICKY_ROUTE;
    for (size_t i = 2; i < conf_words(conf) && rc == RC_OK; i++) {
        if (!span_starts(conf_word(conf, i), SPAN("$")))
            return refuse(conf, i);
        rc = add_template(conf, i, conf_word(conf, i), &s->lookup, &s->lookup_count);
    }
    return rc == RC_OK && s->lookup_count == 0
               ? conf_fail(conf, 1, "sticky route $cookie_route $arg_route",
                           "no variables of \"sticky route\"")
               : rc;
}

static enum rc parse_learn_word(struct conf *conf, struct zones *zones, size_t i,
                                struct sticky_settings *s)
{
    struct span word = conf_word(conf, i);

    if (cut_name(&word, "create="))
        return add_template(conf, i, word, &s->create, &s->create_count);
    if (cut_name(&word, "lookup="))
        return add_template(conf, i, word, &s->lookup, &s->lookup_count);
    if (cut_name(&word, "zone="))
        return zones_define(conf, zones, i, "zone=", ZONE_STICKY, &s->zone);
    if (cut_name(&word, "timeout=") && value_parse_milliseconds(word, &s->timeout_ms) == RC_OK)
        return RC_OK;
    if (span_equal(word, SPAN("header")))
        return RC_OK; /* a session begins with the head of the answer in any case */
    if (span_equal(word, SPAN("sync")))
        return conf_fail(conf, i, NULL,
                         "\"sync\" of \"sticky learn\" is something that gate does not have: "
                         "sessions are known to this machine alone");
    return refuse(conf, i);
}

static enum rc parse_learn(struct conf *conf, struct zones *zones, struct sticky_settings *s)
{
    enum rc rc = RC_OK;

    s->kind = STICKY_LEARN;
    s->timeout_ms = TIMEOUT_MS;
    for (size_t i = 2; i < conf_words(conf) && rc == RC_OK; i++)
        rc = parse_learn_word(conf, zones, i, s);
    if (rc == RC_OK && (s->create_count == 0 || s->lookup_count == 0 || !s->zone))
        return conf_fail(conf, 1,
                         "sticky learn create=$upstream_cookie_id lookup=$cookie_id "
                         "zone=sessions:1m",
                         "\"sticky learn\" needs \"create=\", \"lookup=\" and \"zone=\"");
    return rc;
}

enum rc sticky_settings_parse(struct conf *conf, struct zones *zones,
                              struct sticky_settings *s)
{
    struct span how = conf_word(conf, 1);

    if (s->kind != STICKY_NONE)
        return conf_fail_value(conf, 0, "is duplicate");
    if (span_equal(how, SPAN("cookie")))
        return parse_cookie(conf, s);
    if (span_equal(how, SPAN("route")))
        return parse_route(conf, s);
    if (span_equal(how, SPAN("learn")))
        return parse_learn(conf, zones, s);
    return conf_fail(conf, 1, "cookie, route or learn", "invalid parameter \"%.*s\"",
                     SPAN_ARG(how));
}
