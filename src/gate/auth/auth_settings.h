/* What a location says of users, links and where requests come from. */
#ifndef GATE_AUTH_AUTH_SETTINGS_H
#define GATE_AUTH_AUTH_SETTINGS_H

#include "gate/auth/referer.h"
#include "gate/conf/directive.h"

struct auth_settings {
    uint64_t delay_ms;         /* of a 401 */
    struct template realm;     /* of auth_basic; "off": nobody is asked */
    struct template user_file; /* an absolute path */
    bool has_realm, has_user_file;

    struct referer_rules referer;

    struct template link, link_text; /* secure_link, secure_link_md5 */
    bool has_link, has_link_text, has_link_secret;
    struct span link_secret;
};

/* Their directives: parts are struct auth_settings. */
extern const struct directive auth_directives[];

/* When all of a context's directives are read. */
enum rc auth_settings_check(struct conf *conf, const struct auth_settings *s);

#endif
