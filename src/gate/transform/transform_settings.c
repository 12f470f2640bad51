#include "gate/transform/transform_settings.h"

#include <stddef.h>

#include "gate/conf/slot.h"
#include "gate/transform/transform.h"

#define AT(member) .offset = offsetof(struct transform_settings, member)
#define PLACE CONF_ALL_HTTP

static enum rc set_rule(struct conf *conf, const struct directive *d, void *part)
{
    struct transform_settings *s = part;
    struct transform_rule *rules = NULL, *slot, made;
    enum rc rc;

    (void)d;
    if (conf_word(conf, 1).len == 0)
        return conf_fail(conf, 1, NULL, "empty search pattern");
    if (conf_word(conf, 1).len > TRANSFORM_AT_ONCE / 4)
        return conf_fail(conf, 1, NULL, "the search pattern is longer than %d bytes",
                         TRANSFORM_AT_ONCE / 4);
    if ((rc = conf_template(conf, 1, conf_word(conf, 1), &made.from)) != RC_OK ||
        (rc = conf_template(conf, 2, conf_word(conf, 2), &made.to)) != RC_OK)
        return rc;
    if (conf->again)
        memcpy(&rules, &s->rules, sizeof rules);
    else
        s->rules_count = 0;
    if (!(slot = conf_add(conf, (void **)&rules, &s->rules_count, sizeof *slot)))
        return RC_MEMORY;
    *slot = made;
    s->rules = rules;
    return RC_OK;
}

static enum rc set_charset(struct conf *conf, const struct directive *d, void *part)
{
    struct transform_settings *s = part;

    s->has_charset = !span_equal(conf_word(conf, 1), SPAN("off"));
    return conf_set_template(conf, d, part);
}

const struct directive transform_directives[] = {
    {"sub_filter", PLACE, 2, 2, true, .set = set_rule,
     .doc = "A text that is replaced in bodies, in any case of letters, and what stands in "
            "its place."},
    {"sub_filter_types", PLACE, 1, CONF_MANY, true, .set = type_list_set, AT(types),
     .doc = "The content types of those bodies besides text/html; * for all."},
    {"sub_filter_once", PLACE, 1, 1, .set = conf_set_flag, AT(once), .standard = "on",
     .doc = "Replaces each text where it first stands, and no more."},
    {"sub_filter_last_modified", PLACE, 1, 1, .set = conf_set_flag, AT(last_modified),
     .standard = "off", .doc = "Keeps Last-Modified of bodies whose texts are replaced."},
    {"charset", PLACE | CONF_IF, 1, 1, .set = set_charset, AT(charset), .standard = "off",
     .doc = "The character set that is added to Content-Type where that has none."},
    {"override_charset", PLACE | CONF_IF, 1, 1, .set = conf_set_flag, .offset = CONF_NOWHERE,
     .doc = "Accepted, of no effect: it is for charset_map, which gate does not have."},
    {"charset_types", PLACE, 1, CONF_MANY, true, .set = type_list_set, AT(charset_types),
     .standard = "text/xml text/plain text/vnd.wap.wml application/javascript "
                 "application/rss+xml",
     .doc = "The content types that get it besides text/html; * for all."},
    {"gunzip", PLACE, 1, 1, .set = conf_set_flag, AT(gunzip), .standard = "off",
     .doc = "Unpacks gzip for clients that do not take it."},
    {"gunzip_buffers", PLACE, 2, 2, .set = conf_set_buffers, .offset = CONF_NOWHERE,
     .doc = "Accepted, of no effect: what is unpacked is sent at once."},
    {0},
};
