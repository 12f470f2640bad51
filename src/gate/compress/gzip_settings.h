/* Which answers a location compresses, and how. */
#ifndef GATE_COMPRESS_GZIP_SETTINGS_H
#define GATE_COMPRESS_GZIP_SETTINGS_H

#include "gate/respond/type_list.h"

/* Bits of gzip_proxied: which answers to a proxy's requests (those with Via) are compressed. */
enum gzip_proxied {
    GZIP_PROXIED_OFF = 1,
    GZIP_PROXIED_EXPIRED = 2,
    GZIP_PROXIED_NO_CACHE = 4,
    GZIP_PROXIED_NO_STORE = 8,
    GZIP_PROXIED_PRIVATE = 16,
    GZIP_PROXIED_NO_LAST_MODIFIED = 32,
    GZIP_PROXIED_NO_ETAG = 64,
    GZIP_PROXIED_AUTH = 128,
    GZIP_PROXIED_ANY = 256,
};

struct gzip_settings {
    bool on, vary;
    struct type_list types;
    uint64_t level, min_length;
    unsigned http_version;              /* 10 or 11: the lowest that is served */
    unsigned proxied;                   /* sum of enum gzip_proxied */
    const struct regex *const *disable; /* no User-Agent that one of these matches is served */
    size_t disable_count;
    bool disable_msie6;

    /* while they are read: these lists are the outer context's until the first of this one's */
    bool own_disable;
};

/* Their directives: parts are struct gzip_settings. */
extern const struct directive gzip_directives[];

/* Before a context's directives are read. */
void gzip_settings_enter(struct gzip_settings *s);

#endif
