/* What a location says of folders without an index file, and of answers that need no file at all. */
#ifndef GATE_LISTING_LISTING_SETTINGS_H
#define GATE_LISTING_LISTING_SETTINGS_H

#include "gate/conf/directive.h"
#include "gate/listing/listing.h"

enum listing_fixed { LISTING_FIXED_NONE, LISTING_FIXED_GIF, LISTING_FIXED_STUB_STATUS };

struct listing_settings {
    bool on, exact_size, local_time, random;
    unsigned format; /* enum listing_format */
    unsigned fixed;  /* enum listing_fixed: of this location alone */
    unsigned gzip;   /* enum listing_gzip */
};

/* gzip_static: is NAME.gz sent in place of NAME? */
enum listing_gzip { LISTING_GZIP_OFF, LISTING_GZIP_ON, LISTING_GZIP_ALWAYS };

/* Their directives: parts are struct listing_settings. */
extern const struct directive listing_directives[];

/* What an inner context does not take over from its outer one. */
void listing_settings_enter(struct listing_settings *s);

#endif
