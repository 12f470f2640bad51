#include "gate/visitor/visitor_settings.h"

#include <ctype.h>
#include <stddef.h>

#include "gate/conf/slot.h"
#include "gate/conf/value.h"
#include "gate/visitor/browser.h"

#define AT(member) .offset = offsetof(struct visitor_settings, member)
#define PLACE CONF_ALL_HTTP

static const struct conf_choice states[] = {
    {"off", USERID_OFF}, {"log", USERID_LOG}, {"v1", USERID_V1}, {"on", USERID_ON}, {0}};

void visitor_settings_enter(struct visitor_settings *s)
{
    s->browser.said_modern = s->browser.said_ancient = false;
}

/* ---- userid ---- */

static enum rc set_userid(struct conf *conf, const struct directive *d, void *part)
{
    struct userid_settings *s = &((struct visitor_settings *)part)->userid;
    const struct variables *known = conf->variables;

    for (size_t i = 0; i < known->defined_count; i++)
        if (strcmp(known->defined[i].name, "uid_reset") == 0)
            s->reset = &known->defined[i];
    return conf_set_choice(conf, d, part);
}

static enum rc set_service(struct conf *conf, const struct directive *d, void *part)
{
    struct userid_settings *s = &((struct visitor_settings *)part)->userid;
    enum rc rc;

    s->has_service = true;
    rc = conf_set_number(conf, d, part);
    return rc == RC_OK && s->service > UINT32_MAX ? conf_fail_value(conf, 1, "invalid number")
                                                  : rc;
}

/* Nothing that would end the cookie, or its attribute. */
static bool is_plain(struct span text, bool is_name)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] == 0x7f || text.at[i] == ';' ||
            (is_name && (text.at[i] == '=' || text.at[i] == ',')))
            return false;
    return text.len > 0;
}

static enum rc refuse(struct conf *conf, size_t i)
{
    return conf_fail(conf, i, NULL, "invalid value \"%.*s\"", SPAN_ARG(conf_word(conf, i)));
}

/* userid_name, _domain and _path: into a cookie. */
static enum rc set_word(struct conf *conf, const struct directive *d, void *part)
{
    struct span *into = (struct span *)((char *)part + d->offset);
    struct span word = conf_word(conf, 1);

    if (!is_plain(word, d->offset == offsetof(struct visitor_settings, userid.name)))
        return refuse(conf, 1);
    if (d->of && span_equal(word, span_text(d->of)))
        word = (struct span){0};
    *into = word;
    return RC_OK;
}

static enum rc set_p3p(struct conf *conf, const struct directive *d, void *part)
{
    struct userid_settings *s = &((struct visitor_settings *)part)->userid;
    struct span word = conf_word(conf, 1);

    (void)d;
    for (size_t i = 0; i < word.len; i++)
        if (word.at[i] == '\r' || word.at[i] == '\n' || word.at[i] == '\0')
            return refuse(conf, 1);
    if (span_equal(word, SPAN("none")))
        word = (struct span){0};
    s->p3p = word;
    return RC_OK;
}

static enum rc set_expires(struct conf *conf, const struct directive *d, void *part)
{
    struct userid_settings *s = &((struct visitor_settings *)part)->userid;
    struct span word = conf_word(conf, 1);

    (void)d;
    s->expires_max = span_equal(word, SPAN("max"));
    s->expires_s = 0;
    if (s->expires_max || span_equal(word, SPAN("off")))
        return RC_OK;
    return value_parse_seconds(word, &s->expires_s) == RC_OK
               ? RC_OK
               : conf_fail_value(conf, 1, "invalid value");
}

static enum rc set_flags(struct conf *conf, const struct directive *d, void *part)
{
    static const struct {
        const char *name;
        unsigned bits;
    } flags[] = {{"secure", USERID_SECURE},
                 {"httponly", USERID_HTTP_ONLY},
                 {"samesite=strict", USERID_STRICT},
                 {"samesite=lax", USERID_LAX},
                 {"samesite=none", USERID_NONE}};
    struct userid_settings *s = &((struct visitor_settings *)part)->userid;

    (void)d;
    s->flags = 0;
    if (conf_words(conf) == 2 && span_equal(conf_word(conf, 1), SPAN("off")))
        return RC_OK;
    for (size_t i = 1; i < conf_words(conf); i++) {
        size_t k = 0;

        while (k < sizeof flags / sizeof *flags &&
               !span_equal(conf_word(conf, i), span_text(flags[k].name)))
            k++;
        if (k == sizeof flags / sizeof *flags)
            return refuse(conf, i);
        if (flags[k].bits & USERID_SAME_SITE)
            s->flags &= ~(unsigned)USERID_SAME_SITE;
        s->flags |= flags[k].bits;
    }
    return RC_OK;
}

static enum rc set_mark(struct conf *conf, const struct directive *d, void *part)
{
    struct userid_settings *s = &((struct visitor_settings *)part)->userid;
    struct span word = conf_word(conf, 1);

    (void)d;
    s->mark = 0;
    if (span_equal(word, SPAN("off")))
        return RC_OK;
    if (word.len != 1 || !(isalnum(word.at[0]) || word.at[0] == '='))
        return conf_fail(conf, 1, NULL,
                         "value must be \"off\" or a single letter, digit or \"=\"");
    s->mark = (char)word.at[0];
    return RC_OK;
}

/* ---- browsers ---- */

/* The first in a context takes the place of all that the outer one says. */
static void begin_modern(struct browser_settings *s)
{
    if (s->said_modern)
        return;
    s->said_modern = true;
    s->unlisted = false;
    s->modern_count = 0;
}

static enum rc set_modern(struct conf *conf, const struct directive *d, void *part)
{
    struct browser_settings *s = &((struct visitor_settings *)part)->browser;
    struct browser_modern made, *all, *slot;

    (void)d;
    begin_modern(s);
    if (conf_words(conf) == 2) {
        s->unlisted = span_equal(conf_word(conf, 1), SPAN("unlisted"));
        return s->unlisted ? RC_OK
                           : conf_fail(conf, 1, "modern_browser NAME VERSION, or unlisted",
                                       "invalid value \"%.*s\"", SPAN_ARG(conf_word(conf, 1)));
    }
    if (!(made.kind = browser_find(conf_word(conf, 1))))
        return conf_fail(conf, 1, "msie, gecko, opera, safari or konqueror",
                         "unknown browser name \"%.*s\"", SPAN_ARG(conf_word(conf, 1)));
    if (!browser_parse_version(conf_word(conf, 2), &made.version))
        return conf_fail(conf, 2, NULL, "invalid browser version \"%.*s\"",
                         SPAN_ARG(conf_word(conf, 2)));
    memcpy(&all, &s->modern, sizeof all);
    if (!(slot = conf_add(conf, (void **)&all, &s->modern_count, sizeof *slot)))
        return RC_MEMORY;
    *slot = made;
    s->modern = all;
    return RC_OK;
}

static enum rc set_ancient(struct conf *conf, const struct directive *d, void *part)
{
    struct browser_settings *s = &((struct visitor_settings *)part)->browser;
    struct span *all, *slot;

    (void)d;
    if (!s->said_ancient) {
        s->said_ancient = true;
        s->netscape4 = false;
        s->ancient_count = 0;
    }
    for (size_t i = 1; i < conf_words(conf); i++) {
        if (span_equal(conf_word(conf, i), SPAN("netscape4"))) {
            s->netscape4 = true;
            continue;
        }
        memcpy(&all, &s->ancient, sizeof all);
        if (!(slot = conf_add(conf, (void **)&all, &s->ancient_count, sizeof *slot)))
            return RC_MEMORY;
        *slot = conf_word(conf, i);
        s->ancient = all;
    }
    return RC_OK;
}

const struct directive visitor_directives[] = {
    {"ancient_browser", PLACE, 1, CONF_MANY, true, .set = set_ancient,
     .doc = "Words in User-Agent that make a browser an ancient one; netscape4 is the name of "
            "some."},
    {"ancient_browser_value", PLACE, 1, 1, .set = conf_set_text, AT(browser.ancient_value),
     .standard = "1", .doc = "What $ancient_browser is for those that are."},
    {"modern_browser", PLACE, 1, 2, true, .set = set_modern,
     .doc =
         "A browser, and the version from which on it is modern: msie, gecko, opera, safari "
         "or konqueror; unlisted: all that no list has."},
    {"modern_browser_value", PLACE, 1, 1, .set = conf_set_text, AT(browser.modern_value),
     .standard = "1", .doc = "What $modern_browser is for those that are."},
    {"userid", PLACE, 1, 1, .set = set_userid, AT(userid.on), .of = states, .standard = "off",
     .doc = "Gives each client an identifier in a cookie, with on of version 2 and with v1 of "
            "version 1; log only reads what comes, for $uid_got."},
    {"userid_domain", PLACE, 1, 1, .set = set_word, AT(userid.domain), .of = "none",
     .standard = "none", .doc = "The domain of that cookie."},
    {"userid_expires", PLACE, 1, 1, .set = set_expires, .standard = "off",
     .doc = "How long the browser keeps it: a time, max, or off for its session."},
    {"userid_flags", PLACE, 1, 3, .set = set_flags, .standard = "off",
     .doc = "Attributes of the cookie: secure, httponly, and samesite=strict, lax or none."},
    {"userid_mark", PLACE, 1, 1, .set = set_mark, .standard = "off",
     .doc = "A letter, a digit or = in the cookie; one without it is sent anew, with its "
            "identifier."},
    {"userid_name", PLACE, 1, 1, .set = set_word, AT(userid.name), .standard = "uid",
     .doc = "The name of the cookie."},
    {"userid_p3p", PLACE, 1, 1, .set = set_p3p, .standard = "none",
     .doc = "The value of a field P3P that goes with the cookie."},
    {"userid_path", PLACE, 1, 1, .set = set_word, AT(userid.path), .standard = "/",
     .doc = "The path of the cookie."},
    {"userid_service", PLACE, 1, 1, .set = set_service, AT(userid.service),
     .doc = "The number in each identifier that tells this server from others; by itself the "
            "server's address with on, and 0 with v1."},
    {0},
};
