/* What stands in a folder, as nginx's autoindex shows it. Reading a folder may touch a disk; nothing here knows a request. */
#ifndef GATE_LISTING_LISTING_H
#define GATE_LISTING_LISTING_H

#include <stdint.h>
#include <time.h>

#include "base/fault.h"
#include "base/text.h"

enum listing_format { LISTING_HTML, LISTING_XML, LISTING_JSON, LISTING_JSONP };

struct listing_entry {
    char *name;
    bool is_directory, is_file;
    uint64_t size;
    time_t modified;
};

struct listing {
    struct listing_entry *entries; /* folders first, each kind by name */
    size_t count;
};

/*
 * All that is in the folder but what begins with a dot. RC_NOT_FOUND, RC_DENIED, RC_IO, RC_MEMORY: the fault's text
 * is for the error log.
 */
enum rc listing_read(struct listing *listing, const char *path, struct fault *why);

void listing_clear(struct listing *listing);

struct listing_form {
    enum listing_format format;
    bool exact_size, local_time; /* of HTML */
    bool utf8;                   /* names are in UTF-8: columns count letters, not bytes */
    struct span callback;        /* of JSONP; empty: as JSON */
};

/* `path` is what the page says that it is of. */
void listing_write(const struct listing *listing, const struct listing_form *form,
                   struct span path, struct text *out);

/* One regular file of them by chance; NULL where there is none. */
const struct listing_entry *listing_choose(const struct listing *listing, uint64_t chance);

#endif
