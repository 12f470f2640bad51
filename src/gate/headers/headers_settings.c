#include "gate/headers/headers_settings.h"

#include <stddef.h>

#include "gate/conf/slot.h"

#define AT(member) .offset = offsetof(struct headers_settings, member)
#define PLACE CONF_ALL_HTTP

static const struct conf_choice inherits[] = {
    {"off", ADDED_INHERIT_OFF}, {"on", ADDED_INHERIT_ON}, {"merge", ADDED_INHERIT_MERGE}, {0}};

static enum rc set_expires(struct conf *conf, const struct directive *d, void *part)
{
    struct headers_settings *s = part;
    bool modified = conf_words(conf) == 3;
    size_t i = modified ? 2 : 1;
    struct template text;
    struct expires expires = {0};
    const char *problem;
    enum rc rc;

    (void)d;
    if (modified && !span_equal(conf_word(conf, 1), SPAN("modified")))
        return conf_fail_value(conf, 1, "invalid value");
    if ((rc = conf_template(conf, i, conf_word(conf, i), &text)) != RC_OK)
        return rc;
    s->expires_is_text = !template_is_constant(&text);
    s->expires_is_modified = modified;
    s->expires_text = text;
    if (!s->expires_is_text &&
        (problem = expires_parse(conf_word(conf, i), modified, &expires)))
        return conf_fail_value(conf, i, problem);
    s->expires = expires;
    return RC_OK;
}

/* RFC 9110, section 5.1: what is no token would end the line, or the name. */
static bool is_token(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] <= ' ' || name.at[i] >= 0x7f || name.at[i] == ':')
            return false;
    return name.len > 0;
}

static enum rc set_added(struct conf *conf, const struct directive *d, void *part)
{
    struct added_fields *list = (struct added_fields *)((char *)part + d->offset);
    struct added_field made = {
        .name = conf_word(conf, 1), .id = field_id_of(conf_word(conf, 1)), .node = conf->node};
    struct added_field *fields = NULL, *field;
    enum rc rc;

    if (!is_token(made.name))
        return conf_fail(conf, 1, NULL, "\"%.*s\" is no name of a field", SPAN_ARG(made.name));
    if ((rc = conf_template(conf, 2, conf_word(conf, 2), &made.value)) != RC_OK)
        return rc;
    if (conf_words(conf) > 3 && !span_equal(conf_word(conf, 3), SPAN("always")))
        return conf_fail(conf, 3, NULL, "invalid parameter \"%.*s\"",
                         SPAN_ARG(conf_word(conf, 3)));
    made.always = conf_words(conf) > 3;
    memcpy(&fields, &list->said, sizeof fields);
    if (!(field = conf_add(conf, (void **)&fields, &list->said_count, sizeof *field)))
        return RC_MEMORY;
    *field = made;
    list->said = fields;
    return RC_OK;
}

static void enter(struct added_fields *list, const struct added_fields *outer)
{
    list->said = NULL;
    list->said_count = 0;
    list->outer = outer;
}

void headers_settings_enter(struct headers_settings *s, const struct headers_settings *outer)
{
    enter(&s->headers, &outer->headers);
    enter(&s->trailers, &outer->trailers);
}

/* The list whose fields come behind those of this one; NULL where none do. */
static const struct added_fields *next_of(const struct added_fields *list)
{
    return list->inherit == ADDED_INHERIT_MERGE ||
                   (list->inherit == ADDED_INHERIT_ON && list->said_count == 0)
               ? list->outer
               : NULL;
}

/* This context's first, and the outer ones' behind them. */
static enum rc gather(struct conf *conf, struct added_fields *list)
{
    struct added_field *fields;
    size_t count = 0;

    for (const struct added_fields *l = list; l; l = next_of(l))
        count += l->said_count;
    list->count = 0;
    if (count == 0)
        return RC_OK;
    if (!(fields = arena_take_array(conf->arena, count, sizeof *fields)))
        return conf_no_memory(conf);
    for (const struct added_fields *l = list; l; l = next_of(l)) {
        if (l->said_count > 0)
            memcpy(fields + list->count, l->said, l->said_count * sizeof *fields);
        list->count += l->said_count;
    }
    list->fields = fields;
    return RC_OK;
}

enum rc headers_settings_finish(struct conf *conf, struct headers_settings *s)
{
    enum rc rc;

    if ((rc = gather(conf, &s->headers)) != RC_OK ||
        (rc = gather(conf, &s->trailers)) != RC_OK)
        return rc;
    s->headers.outer = s->trailers.outer = NULL;
    s->used = s->headers.count > 0 || s->trailers.count > 0 || s->expires_is_text ||
              s->expires.kind != EXPIRES_OFF;
    return RC_OK;
}

const struct directive headers_directives[] = {
    {"add_header", PLACE | CONF_IF, 2, 3, true, .set = set_added, AT(headers),
     .doc = "Adds a field to answers of the statuses 200, 201, 204, 206, 301 to 304, 307 and "
            "308; to all with always."},
    {"add_header_inherit", PLACE | CONF_IF, 1, 1, .set = conf_set_choice, AT(headers.inherit),
     .of = inherits, .standard = "on",
     .doc = "Whether a context has the outer one's add_header: on where it has none itself, "
            "merge behind its own, off never."},
    {"add_trailer", PLACE | CONF_IF, 2, 3, true, .set = set_added, AT(trailers),
     .doc = "Adds a field behind the body of answers, which go in chunks then; to which ones, "
            "as add_header."},
    {"add_trailer_inherit", PLACE | CONF_IF, 1, 1, .set = conf_set_choice,
     AT(trailers.inherit), .of = inherits, .standard = "on",
     .doc = "The same as add_header_inherit, of add_trailer."},
    {"expires", PLACE | CONF_IF, 1, 2, .set = set_expires,
     .doc = "Sets Expires and Cache-Control: epoch, max, off, a time, @time of the day, or "
            "modified and a time; variables may give it."},
    {0},
};
