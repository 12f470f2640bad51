/* Is an answer to be compressed? Knows the facts of a request and its answer, and neither of them. */
#ifndef GATE_COMPRESS_GZIP_CHOICE_H
#define GATE_COMPRESS_GZIP_CHOICE_H

#include <time.h>

#include "gate/compress/gzip_settings.h"

/* Fields that are not there are empty. */
struct gzip_facts {
    /* the request */
    unsigned version; /* 10, 11 */
    bool has_via, has_authorization;
    struct span accept_encoding, user_agent;

    /* the answer */
    unsigned status;
    bool has_length;
    uint64_t length;
    struct span content_type, content_encoding;
    struct span cache_control, expires, date, last_modified, etag;
};

enum gzip_choice {
    GZIP_NEVER, /* it is not compressed for anybody */
    GZIP_PLAIN, /* this client gets it as it is, another may not: Vary */
    GZIP_SQUEEZE,
};

enum gzip_choice gzip_choose(const struct gzip_settings *s, const struct gzip_facts *facts,
                             time_t now);

/* Does an Accept-Encoding name gzip, with a weight above 0? RFC 9110, section 12.5.3; "*" is not enough for nginx. */
bool gzip_is_accepted(struct span accept_encoding);

/* May this client, as far as the settings go, get something that is compressed? */
bool gzip_may_be_sent(const struct gzip_settings *s, const struct gzip_facts *facts,
                      time_t now);

#endif
