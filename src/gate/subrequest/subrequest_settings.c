#include "gate/subrequest/subrequest_settings.h"

#include <stddef.h>

#include "gate/conf/slot.h"
#include "gate/rewrite/rewrite_settings.h"

#define AT(member) .offset = offsetof(struct subrequest_settings, member)

/* "URI" or "off" */
static enum rc set_path_or_off(struct conf *conf, const struct directive *d, void *part)
{
    struct span *path = (struct span *)((uint8_t *)part + d->offset);

    *path = conf_word(conf, 1);
    if (span_equal(*path, SPAN("off")))
        *path = (struct span){0};
    return RC_OK;
}

static enum rc set_mirror(struct conf *conf, const struct directive *d, void *part)
{
    struct subrequest_settings *s = part;
    const bool off = span_equal(conf_word(conf, 1), SPAN("off"));
    struct span *mirrors = NULL, *slot;

    (void)d;
    if (conf->again && (off || s->mirrors_count == 0))
        return conf_fail_value(conf, 1, "is duplicate");
    if (conf->again)
        memcpy(&mirrors, &s->mirrors, sizeof mirrors);
    else
        s->mirrors_count = 0;
    if (off)
        return RC_OK;
    if (!(slot = conf_add(conf, (void **)&mirrors, &s->mirrors_count, sizeof *slot)))
        return RC_MEMORY;
    *slot = conf_word(conf, 1);
    s->mirrors = mirrors;
    return RC_OK;
}

static enum rc set_variable(struct conf *conf, const struct directive *d, void *part)
{
    struct subrequest_settings *s = part;
    struct subrequest_set *sets = NULL, *slot, made;
    struct span name = conf_word(conf, 1);
    enum rc rc;

    (void)d;
    if (name.len < 2 || name.at[0] != '$')
        return conf_fail(conf, 1, "it begins with '$'", "invalid variable name \"%.*s\"",
                         SPAN_ARG(name));
    span_cut(&name, 1);
    if ((rc = rewrite_settings_variable(conf, name, &made.variable)) != RC_OK ||
        (rc = conf_template(conf, 2, conf_word(conf, 2), &made.value)) != RC_OK)
        return rc;
    if (conf->again)
        memcpy(&sets, &s->sets, sizeof sets);
    else
        s->sets_count = 0;
    if (!(slot = conf_add(conf, (void **)&sets, &s->sets_count, sizeof *slot)))
        return RC_MEMORY;
    *slot = made;
    s->sets = sets;
    return RC_OK;
}

#define PLACE CONF_ALL_HTTP

const struct directive subrequest_directives[] = {
    {"auth_request", PLACE, 1, 1, .set = set_path_or_off, AT(auth),
     .doc =
         "The path of a request inside whose status decides: 2xx lets go on, 401 and 403 are "
         "answered, anything else is 500; off asks nobody."},
    {"auth_request_set", PLACE, 2, 2, true, .set = set_variable,
     .doc = "A variable that gets a value of the answer to auth_request, such as "
            "$upstream_http_x_user."},
    {"mirror", PLACE, 1, 1, true, .set = set_mirror,
     .doc =
         "The path of a copy of each request, whose answer nobody gets; several make several "
         "copies; off makes none."},
    {"mirror_request_body", PLACE, 1, 1, .set = conf_set_flag, AT(mirror_body),
     .standard = "on",
     .doc = "Copies have the request's body, which is then whole before anybody is asked."},
    {"add_before_body", PLACE, 1, 1, .set = set_path_or_off, AT(before),
     .doc = "The path whose answer stands in front of a body with status 200."},
    {"add_after_body", PLACE, 1, 1, .set = set_path_or_off, AT(after),
     .doc = "The path whose answer stands behind a body with status 200."},
    {"post_action", PLACE | CONF_IF, 1, 1, .set = set_path_or_off, AT(after_all),
     .doc = "The path, or the named location, of a request that follows each answer, also one "
            "that "
            "was broken off; its variables tell of that answer, and what it is answered "
            "nobody gets; "
            "off for none."},
    {"addition_types", PLACE, 1, CONF_MANY, true, .set = type_list_set, AT(addition_types),
     .doc = "The content types that add_before_body and add_after_body are for besides "
            "text/html; "
            "* for all."},
    {0},
};
