/*
 * A file that others find under its name once it is whole, and not before: proxy_store. It is written beside its
 * place, under another name, and renamed; what stood there stays until then. {0} is none.
 */
#ifndef GATE_HTTP_STORED_FILE_H
#define GATE_HTTP_STORED_FILE_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "base/fault.h"
#include "base/span.h"

struct stored_file {
    char *path;      /* NULL: there is none */
    char *temporary; /* until it has its place */
    int fd;
};

/* `path` may be one that a file can have: absolute, without ".." or an empty last part, and without a NUL. */
bool stored_file_is_path(struct span path);

/*
 * Begins one that will have the bits `access`. Folders of its path that are not there are made, with the same bits and
 * x beside each r. RC_IO: 'open() "PATH" failed (...)'; RC_MEMORY
 */
enum rc stored_file_begin(struct stored_file *file, struct span path, mode_t access,
                          struct fault *why);

/* RC_IO. Writing blocks, as the page cache lets it. */
enum rc stored_file_add(struct stored_file *file, struct span bytes, struct fault *why);

/* Whole: `modified` is its date, or NULL for now. Nothing is left of it on failure. RC_IO */
enum rc stored_file_end(struct stored_file *file, mode_t access, const time_t *modified,
                        struct fault *why);

/* Not whole: nothing is left of it. Harmless on {0}, and behind stored_file_end. */
void stored_file_clear(struct stored_file *file);

#endif
