/* What a location says of the answers that gate makes itself. */
#ifndef GATE_RESPOND_RESPOND_SETTINGS_H
#define GATE_RESPOND_RESPOND_SETTINGS_H

#include "gate/respond/error_page.h"
#include "gate/respond/file_cache.h"
#include "gate/respond/try_files.h"

/* types { text/html html htm; } : by extension, in lower case. Filled when the configuration is read. */
struct mime_types;

struct respond_settings {
    struct template root;
    bool root_is_alias; /* alias: the location's prefix is replaced, not kept */
    size_t
        alias_len; /* bytes of the path that are replaced; SIZE_MAX: all (a regular expression) */
    const struct template *index; /* tried in turn */
    size_t index_count;
    const struct mime_types *types;
    struct span default_type;
    bool sendfile, etag;
    bool server_tokens; /* off: "gate" without its version */
    bool absolute_redirect, port_in_redirect, server_name_in_redirect;
    bool log_not_found, log_subrequest;
    unsigned if_modified_since;           /* enum conditions_since */
    uint64_t max_ranges;                  /* up to RANGE_MAX; 0: none is served */
    const struct error_page *error_pages; /* those of an inner context replace them all */
    size_t error_pages_count;
    bool recursive_error_pages; /* off: an error page's own error has gate's page */

    const struct try_files *try_files; /* not inherited; NULL: none */
    struct file_way way;               /* but for links.from */
    struct template links_from;        /* "disable_symlinks ... from=" */
    struct file_caches *caches;        /* of the site */

    /* While they are read: the length of the location's prefix (SIZE_MAX: a regular expression), and whether it is
     * a named one. */
    size_t prefix_len;
    bool in_named;
    struct mime_types *own_types; /* of this context; NULL: the outer one's */
};

/* Their directives: parts are struct respond_settings. */
extern const struct directive respond_directives[];

/* What an inner context does not take over from its outer one; before its directives are read. */
void respond_settings_enter(struct respond_settings *s, size_t prefix_len, bool named);

#endif
