#include "gate/transform/transform_settings.h"

#include <stddef.h>

#include "codec/hex.h"
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

/* ---- charset_map ---- */

const struct recode_map *transform_settings_map(const struct transform_settings *s,
                                                struct span from, struct span to, bool *back)
{
    for (size_t i = 0; i < s->maps_count; i++) {
        const struct recode_map *map = s->maps[i];

        *back = span_equal_nocase(map->from, to) && span_equal_nocase(map->to, from);
        if (*back || (span_equal_nocase(map->from, from) && span_equal_nocase(map->to, to)))
            return map;
    }
    return NULL;
}

/* "E282AC" */
static bool parse_bytes(struct span word, uint8_t bytes[4], size_t *len)
{
    if (word.len == 0 || word.len > 8 || word.len % 2 != 0)
        return false;
    for (size_t i = 0; i < word.len; i++)
        if (hex_value(word.at[i]) < 0)
            return false;
    *len = word.len / 2;
    for (size_t i = 0; i < *len; i++)
        bytes[i] = (uint8_t)(hex_value(word.at[2 * i]) << 4 | hex_value(word.at[2 * i + 1]));
    return true;
}

/* "80 E282AC;" */
static enum rc read_character(struct conf *conf, struct recode_map *map)
{
    uint8_t byte[4], text[4];
    size_t byte_len = 0, text_len = 0;

    if (conf->node->block || conf_words(conf) != 2)
        return conf_fail(conf, 0, "80 E282AC;", "invalid parameters number");
    if (!parse_bytes(conf_word(conf, 0), byte, &byte_len) || byte_len != 1)
        return conf_fail(conf, 0, "two digits in hex", "invalid value \"%.*s\"",
                         SPAN_ARG(conf_word(conf, 0)));
    if (!parse_bytes(conf_word(conf, 1), text, &text_len) ||
        recode_map_add(map, byte[0], span_of(text, text_len), conf->arena) == RC_FORMAT)
        return conf_fail(conf, 1, "the bytes in hex", "invalid value \"%.*s\"",
                         SPAN_ARG(conf_word(conf, 1)));
    return RC_OK;
}

static enum rc set_map(struct conf *conf, const struct directive *d, void *part)
{
    struct transform_settings *s = part;
    const struct span from = conf_word(conf, 1), to = conf_word(conf, 2);
    const struct conf_node *block = conf->node;
    struct recode_map **maps = NULL, **slot;
    bool back;

    (void)d;
    if (span_equal_nocase(from, to))
        return conf_fail(conf, 2, NULL,
                         "\"charset_map\" between the same charsets \"%.*s\" and \"%.*s\"",
                         SPAN_ARG(from), SPAN_ARG(to));
    if (transform_settings_map(s, from, to, &back))
        return conf_fail(conf, 1, NULL,
                         "duplicate \"charset_map\" between \"%.*s\" and \"%.*s\"",
                         SPAN_ARG(from), SPAN_ARG(to));
    if (span_equal_nocase(from, SPAN("utf-8")))
        return conf_fail(conf, 1, "the other way round: utf-8 stands second",
                         "utf-8 has more than one byte a character");
    memcpy(&maps, &s->maps, sizeof maps);
    slot = conf_add(conf, (void **)&maps, &s->maps_count, sizeof *slot);
    if (!slot || !(*slot = recode_map_make(from, to, conf->arena)))
        return conf_no_memory(conf);
    s->maps = maps;
    for (conf->node = block->children; conf->node; conf->node = conf->node->next)
        (void)read_character(conf, *slot);
    conf->node = block;
    return RC_OK;
}

enum rc transform_settings_finish(struct conf *conf, const struct transform_settings *s)
{
    struct span from, to;
    bool back;

    if (!s->has_charset || s->source_charset.count == 0 ||
        !template_is_constant(&s->charset) || !template_is_constant(&s->source_charset))
        return RC_OK;
    from = template_constant(&s->source_charset);
    to = template_constant(&s->charset);
    if (span_equal_nocase(from, to) || transform_settings_map(s, from, to, &back))
        return RC_OK;
    conf->joined = true;
    (void)conf_fail(conf, 0, "charset_map FROM TO { }, in http",
                    "no \"charset_map\" between the charsets \"%.*s\" and \"%.*s\"",
                    SPAN_ARG(from), SPAN_ARG(to));
    conf->joined = false;
    return RC_FORMAT;
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
    {"source_charset", PLACE | CONF_IF, 1, 1, .set = conf_set_template, AT(source_charset),
     .doc =
         "The character set of bodies that do not say it; where charset is another one, they "
         "are recoded by charset_map."},
    {"override_charset", PLACE | CONF_IF, 1, 1, .set = conf_set_flag, AT(override_charset),
     .standard = "off", .doc = "Recodes bodies that say their character set, too."},
    {"charset_map", CONF_HTTP, 2, 2, true, CONF_VALUES, set_map,
     .doc = "A table between two character sets: a byte of the first and what it is in the "
            "second, in hex; the second one may be utf-8."},
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
