/*
 * A body that is kept for later: in memory up to a limit, all of it in a temporary file beyond that. {0} is empty.
 * Writing and reading the file blocks, as the page cache lets it.
 */
#ifndef GATE_HTTP_BODY_STORE_H
#define GATE_HTTP_BODY_STORE_H

#include <stdbool.h>

#include "base/fault.h"
#include "base/span.h"

struct body_store {
    uint8_t *at; /* what is in memory: all, or nothing */
    size_t size;
    uint64_t total; /* bytes */
    bool has_file;
    int fd;
    char *
        path; /* of a file that has a name; NULL: it has none, and is gone with its descriptor */
    bool keeps; /* the file stays when the store is cleared */
};

/* Where files go, and when. */
struct body_store_place {
    const char *directory; /* made where it is not there */
    const uint8_t *levels; /* as temp_file_open_named has them */
    uint64_t memory;       /* bytes that stay in memory */
    bool named;            /* the file gets a name in the directory, and every body a file */
    bool keeps;
};

/* RC_IO, RC_MEMORY */
enum rc body_store_add(struct body_store *store, const struct body_store_place *place,
                       struct span bytes, struct fault *why);

/* Empty bodies have a file too where files have names. */
enum rc body_store_end(struct body_store *store, const struct body_store_place *place,
                       struct fault *why);

/* Some bytes from `offset` on, which is below the total: a view, or read into the scratch. RC_IO */
enum rc body_store_read(const struct body_store *store, uint64_t offset, void *scratch,
                        size_t size, struct span *bytes);

/* Harmless on {0}. */
void body_store_clear(struct body_store *store);

#endif
