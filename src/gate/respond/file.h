/*
 * Files as answers: where a path leads on disk, and what is there. Opening may touch a disk;
 * nothing here reads contents, and nothing knows a request.
 *
 *   file_path -> file_open            a path that does not end in '/'
 *             -> file_index           one that does: which index file there is
 *   file_etag, conditions.h, range.h  what of it is sent
 */
#ifndef GATE_RESPOND_FILE_H
#define GATE_RESPOND_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/buffer.h"
#include "base/fault.h"
#include "base/span.h"
#include "gate/respond/file_cache.h"

struct file {
    int fd; /* the caller's, for file_way_close */
    struct file_entry *held;
    uint64_t size;
    time_t modified;
};

/*
 * Writes the path on disk, with a NUL behind it that out->len does not count: root + path, or
 * with an alias of a location whose prefix is the first `replaced` bytes of `path`: root + the
 * rest. `path` is in the normal form of http/uri.h. False: a NUL or a ".." part in it, or it
 * does not fit.
 */
bool file_path(struct span root, size_t replaced, struct span path, struct buffer *out);

/*
 * Opens the file at a path that does not end in '/' (`way` may be NULL), and returns the status to go on with:
 *   200  *file is filled
 *   301  a directory: send the client to path + '/', with its query
 *   403  not allowed; 404 not there, or no regular file; 500 anything else
 * Other than 200 and 301: `why` says it for the error log ('open() "/x" failed (2: No such
 * file or directory)').
 */
unsigned file_open(const char *path, const struct file_way *way, struct file *file,
                   struct fault *why);

/*
 * Which of the index names there is in a directory: `path` is as file_path wrote it, ends in
 * '/', and is used as scratch behind its length. 200  names[*found]: go on as if the request
 * were for path + that name (or that name alone where it begins with '/': nobody looked
 * whether it is there) 403  the directory is there, but none of them (*found is `count`: "directory index of ...
 * is forbidden"), or one that may not be opened 404  there is no such directory; 500 anything else
 */
unsigned file_index(struct buffer *path, const struct file_way *way, const struct span *names,
                    size_t count, size_t *found, struct fault *why);

/* Behind the last '.' of the path's last part; empty where there is none or nothing before it.
 */
struct span file_extension(struct span path);

enum { FILE_ETAG_MAX = 36 };

/* "\"64b0c5f2-1a\"": modification time and size in hex, as nginx has it. */
struct span file_etag(const struct file *file, char text[FILE_ETAG_MAX]);

#endif
