/* What a location makes of who asks: the identifier of its client, and how old its browser is. */
#ifndef GATE_VISITOR_VISITOR_SETTINGS_H
#define GATE_VISITOR_VISITOR_SETTINGS_H

#include "gate/conf/directive.h"

enum userid_on { USERID_OFF, USERID_LOG, USERID_V1, USERID_ON };

enum userid_flag {
    USERID_STRICT = 1,
    USERID_LAX = 2,
    USERID_NONE = 3,
    USERID_SAME_SITE = 3, /* the bits of these */
    USERID_SECURE = 4,
    USERID_HTTP_ONLY = 8,
};

#define USERID_EXPIRES_MAX 2145916555 /* 31 Dec 2037 23:55:55 */

struct userid_settings {
    unsigned on; /* enum userid_on */
    bool has_service;
    uint64_t service;
    struct span name;
    struct span domain, path, p3p; /* empty: none */
    bool expires_max;
    uint64_t expires_s;           /* 0: with the browser's session */
    unsigned flags;               /* enum userid_flag */
    char mark;                    /* 0: none */
    const struct variable *reset; /* $uid_reset, where the configuration sets it; NULL */
};

struct browser_kind; /* browser.h */

struct browser_modern {
    const struct browser_kind *kind;
    uint64_t version; /* from this on */
};

struct browser_settings {
    const struct browser_modern *modern;
    size_t modern_count;
    const struct span *ancient;
    size_t ancient_count;
    bool unlisted, netscape4;
    bool said_modern, said_ancient; /* while it is read */
    struct span modern_value, ancient_value;
};

struct visitor_settings {
    struct userid_settings userid;
    struct browser_settings browser;
};

/* Their directives: parts are struct visitor_settings. */
extern const struct directive visitor_directives[];

/* What an inner context does not take over from its outer one; before its directives are read. */
void visitor_settings_enter(struct visitor_settings *s);

#endif
