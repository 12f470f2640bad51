/* What a location says of the answers that gate makes itself. */
#ifndef GATE_RESPOND_RESPOND_SETTINGS_H
#define GATE_RESPOND_RESPOND_SETTINGS_H

#include "gate/conf/template.h"

/* types { text/html html htm; } : by extension, in lower case. Filled when the configuration is read. */
struct mime_types;

struct respond_settings {
    struct template root;
    bool root_is_alias; /* alias: the location's prefix is replaced, not kept */
    const struct template *index; /* tried in turn */
    size_t index_count;
    const struct mime_types *types;
    struct span default_type;
    bool sendfile, etag;
    bool server_tokens; /* off: "gate" without its version */
    bool absolute_redirect, port_in_redirect, server_name_in_redirect;
    bool log_not_found;

    /* return CODE [TEXT|URL]; not inherited */
    bool has_return;
    unsigned return_code;
    bool return_is_redirect; /* the text is the Location */
    struct template return_text;
};

#endif
