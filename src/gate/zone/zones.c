#include "gate/zone/zones.h"

#include "gate/conf/value.h"

enum { SIZE_MIN = 8 * 4096 };

static const char *kind_name(enum zone_kind kind)
{
    return kind == ZONE_LIMIT_REQ    ? "limit_req_zone"
           : kind == ZONE_LIMIT_CONN ? "limit_conn_zone"
           : kind == ZONE_STICKY     ? "sticky"
                                     : "upstream";
}

struct zone_line *zones_get(struct conf *conf, struct zones *zones, size_t word,
                            struct span name, enum zone_kind kind)
{
    struct zone_line *line, **slot;

    for (size_t i = 0; i < zones->count; i++) {
        line = zones->all[i];
        if (!span_equal(line->name, name))
            continue;
        if (line->kind == kind)
            return line;
        (void)conf_fail(
            conf, word, NULL,
            "the shared memory zone \"%.*s\" is already declared for a different use",
            SPAN_ARG(name));
        return NULL;
    }
    line = arena_take(conf->arena, sizeof *line);
    slot = conf_add(conf, (void **)&zones->all, &zones->count, sizeof *slot);
    if (!line || !slot)
        return NULL;
    *line = (struct zone_line){.name = name, .kind = kind, .node = conf->node};
    *slot = line;
    return line;
}

enum rc zones_define(struct conf *conf, struct zones *zones, size_t word, const char *prefix,
                     enum zone_kind kind, struct zone_line **out)
{
    struct span rest = conf_word(conf, word), name;
    struct zone_line *line;
    uint64_t size;

    span_cut(&rest, strlen(prefix));
    name = span_cut(&rest, span_find(rest, ':'));
    if (name.len == 0 || rest.len == 0)
        return conf_fail(conf, word, "NAME:SIZE, such as one:10m", "invalid zone %s \"%.*s\"",
                         rest.len == 0 ? "size" : "name", SPAN_ARG(conf_word(conf, word)));
    span_cut(&rest, 1);
    if (value_parse_size(rest, false, &size) != RC_OK)
        return conf_fail(conf, word, NULL, "invalid zone size \"%.*s\"",
                         SPAN_ARG(conf_word(conf, word)));
    if (size < SIZE_MIN)
        return conf_fail(conf, word, "32k or more", "zone \"%.*s\" is too small",
                         SPAN_ARG(conf_word(conf, word)));
    if (!(line = zones_get(conf, zones, word, name, kind)))
        return RC_FORMAT;
    if (line->size > 0)
        return conf_fail(conf, word, NULL, "%s \"%.*s\" is already bound", kind_name(kind),
                         SPAN_ARG(name));
    line->size = size;
    *out = line;
    return RC_OK;
}

enum rc zones_share(struct conf *conf, struct zones *zones, struct zone_line **out)
{
    struct span name = conf_word(conf, 1);
    uint64_t size = 0;

    if (name.len == 0)
        return conf_fail(conf, 1, NULL, "invalid zone name \"\"");
    if (conf_words(conf) > 2 &&
        (value_parse_size(conf_word(conf, 2), false, &size) != RC_OK || size == 0))
        return conf_fail(conf, 2, NULL, "invalid zone size \"%.*s\"",
                         SPAN_ARG(conf_word(conf, 2)));
    if (conf_words(conf) > 2 && size < SIZE_MIN)
        return conf_fail(conf, 1, "32k or more", "zone \"%.*s\" is too small", SPAN_ARG(name));
    if (!(*out = zones_get(conf, zones, 1, name, ZONE_UPSTREAM)))
        return RC_FORMAT;
    if (size > 0 && (*out)->size > 0 && (*out)->size != size)
        return conf_fail(conf, 2, NULL,
                         "the size %llu of shared memory zone \"%.*s\" conflicts with already "
                         "declared size %llu",
                         (unsigned long long)size, SPAN_ARG(name),
                         (unsigned long long)(*out)->size);
    (*out)->size = size > 0 ? size : (*out)->size;
    return RC_OK;
}

void zones_check(struct conf *conf, const struct zones *zones)
{
    for (size_t i = 0; i < zones->count; i++) {
        if (zones->all[i]->size > 0)
            continue;
        conf->node = zones->all[i]->node;
        (void)conf_fail(
            conf, 0,
            zones->all[i]->kind == ZONE_UPSTREAM
                ? "one of the upstreams with that zone says its size: zone NAME 64k"
                : "a zone is defined by limit_req_zone or limit_conn_zone",
            "zero size shared memory zone \"%.*s\"", SPAN_ARG(zones->all[i]->name));
    }
}

static struct zone *find_same(const struct zones *before, const struct zone_line *line)
{
    for (size_t i = 0; before && i < before->count; i++) {
        const struct zone_line *other = before->all[i];

        if (other->zone && other->kind == line->kind && other->size == line->size &&
            span_equal(other->name, line->name) &&
            span_equal(other->key.source, line->key.source))
            return other->zone;
    }
    return NULL;
}

enum rc zones_open(const struct zones *zones, const struct zones *before, struct fault *why)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; i < zones->count && rc == RC_OK; i++) {
        struct zone *same = find_same(before, zones->all[i]);

        if (zones->all[i]->kind == ZONE_UPSTREAM)
            continue;
        if (same)
            zones->all[i]->zone = zone_hold(same);
        else
            rc = zone_open(&zones->all[i]->zone, zones->all[i]->size, why);
    }
    return rc;
}

void zones_close(const struct zones *zones)
{
    for (size_t i = 0; i < zones->count; i++) {
        zone_release(zones->all[i]->zone);
        zones->all[i]->zone = NULL;
    }
}
