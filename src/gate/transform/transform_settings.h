/* What a location says of bodies that are changed on their way, and of the character set that they are said to have. */
#ifndef GATE_TRANSFORM_TRANSFORM_SETTINGS_H
#define GATE_TRANSFORM_TRANSFORM_SETTINGS_H

#include "gate/respond/type_list.h"

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
    struct type_list charset_types;
    bool gunzip;
};

/* Their directives: parts are struct transform_settings. */
extern const struct directive transform_directives[];

#endif
