/* What a location says of bodies that are changed on their way, and of the character set that they are said to have. */
#ifndef GATE_TRANSFORM_TRANSFORM_SETTINGS_H
#define GATE_TRANSFORM_TRANSFORM_SETTINGS_H

#include "gate/respond/type_list.h"
#include "gate/transform/recode.h"

struct transform_rule {
    struct template from, to;
};

struct transform_settings {
    const struct transform_rule *rules; /* sub_filter */
    size_t rules_count;
    bool once, last_modified;
    struct type_list types;

    struct template charset; /* "off": none */
    bool has_charset;
    struct
        template source_charset; /* of bodies that do not say it; without parts: not known */
    bool override_charset;       /* of answers that say one, too */
    struct type_list charset_types;
    struct recode_map *const *maps; /* charset_map, of http */
    size_t maps_count;
    bool gunzip;
};

/* The table between two sets, of which `from` is the body's; *back: it is to be used backwards. NULL: there is none. */
const struct recode_map *transform_settings_map(const struct transform_settings *s,
                                                struct span from, struct span to, bool *back);

/* When all of a context's directives are read. */
enum rc transform_settings_finish(struct conf *conf, const struct transform_settings *s);

/* Their directives: parts are struct transform_settings. */
extern const struct directive transform_directives[];

#endif
