/*
 * Access and error logs. A write is of whole lines, so that those of several threads and programs
 * never mix. An error is on its way to the disk when the call returns, a request when the turn of its loop
 * ends (journal_turn.h), unless its log has a buffer. Nothing here fails a
 * request: what cannot be written is dropped, and said once (see journal_append).
 */
#ifndef GATE_JOURNAL_JOURNAL_H
#define GATE_JOURNAL_JOURNAL_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/fault.h"
#include "gate/journal/journal_settings.h"
#include "gate/journal/journal_turn.h"
#include "gate/journal/path_cache.h"

/*
 * All log files of a site, each once. {0} is none. Not for several threads while files are
 * added or opened.
 */
struct journal_files {
    struct journal_file *first;
    const char *syslog_tag;  /* NULL: "gate" */
    struct path_list *paths; /* of logs with variables in their paths */
};

/*
 * The file for a target: an absolute path, "stderr", or
 * "syslog:server=ADDRESS[,facility=local7][,severity=info][,tag=nginx][,nohostname]" (ADDRESS:
 * host[:514] or unix:/path). The same target gives the same file. Opens nothing. `target` is
 * copied to the arena, which must outlive the files.
 *
 * RC_FORMAT  a syslog parameter that is none; RC_UNSUPPORTED "memory:"; RC_MEMORY
 */
enum rc journal_add(struct journal_files *files, struct span target, struct arena *arena,
                    struct journal_file **file, struct fault *why);

/*
 * Opens what is not open yet; the name of a syslog server is looked up, which blocks.
 * RC_IO: 'open() "/x" failed (13: Permission denied)'; RC_NOT_FOUND: no such server. Others
 * are opened all the same.
 */
enum rc journal_open(struct journal_files *files, struct fault *why);

/*
 * After a rotation (USR1): writes what buffers hold, and opens each path anew, in place, while other threads write. `owner`
 * is who shall be able to do so later ((uid_t)-1: leave it as it is). A path that cannot be
 * opened keeps its old file: RC_IO, and the rest is done all the same.
 */
enum rc journal_reopen(struct journal_files *files, uid_t owner, struct fault *why);

/* Writes what buffers hold, and closes. */
void journal_close(struct journal_files *files);

/*
 * The file's lines are written `size` bytes at a time, or when one has waited for `flush_ms` (0: it may), as gzip
 * where `gzip_level` is not 0. RC_FORMAT: other figures
 * were said of it before.
 */
enum rc journal_buffer(struct journal_file *file, size_t size, uint64_t flush_ms,
                       int gzip_level, struct arena *arena);
bool journal_is_syslog(const struct journal_file *file);

/* Open files for paths with variables. NULL: no memory. */
struct path_cache *journal_add_paths(struct journal_files *files,
                                     const struct path_cache_limits *limits,
                                     struct arena *arena);

/* Writes what buffers hold: all of it, or what has waited for long enough. */
void journal_flush(struct journal_files *files);
void journal_flush_due(struct journal_files *files);

/* Milliseconds until journal_flush_due may have something to do; 0: never. */
uint64_t journal_wait_ms(const struct journal_files *files);

/* For journal_append: at the level that severity= says, for syslog. */
#define JOURNAL_OWN_LEVEL (-1)

/*
 * One line, with its newline; `level` (enum log_level) is of use to syslog alone. False: it was
 * dropped (disk full, a pipe that nobody reads, not open). The first drop after a line that was
 * written is told by log_line at level alert. A pipe with no reader is the caller's SIGPIPE.
 */
bool journal_append(struct journal_file *file, int level, struct span line);

/* Does it go to standard error? */
bool journal_is_stderr(const struct journal_file *file);

/* -1: it is no file, or is not open. */
int journal_fd(const struct journal_file *file);

/* The format that every site has. */
#define JOURNAL_COMBINED_NAME "combined"
#define JOURNAL_COMBINED                                                                      \
    "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent "        \
    "\"$http_referer\" \"$http_user_agent\""

/*
 * One line to each access log of the settings. `subject` is what the templates are evaluated with; `scratch`
 * is overwritten, and a line that does not fit is cut to it. Those for files wait in `turn` for its end.
 */
void journal_access(const struct journal_settings *settings, void *subject,
                    struct buffer *scratch, struct journal_turn *turn);

/* What was going on: added to the end of the line, where it is not empty. */
struct journal_context {
    uint64_t connection; /* its number; 0: none */
    struct span client, server, request, upstream, host, referrer;
};

enum { JOURNAL_ERROR_MAX = 2048 }; /* bytes of a line */

/*
 * "2026/11/23 15:21:26 [error] PID#TID: *7 MESSAGE, client: ..., server: ..., request: "...",
 * upstream: "...", host: "...", referrer: "..."" to each log whose level asks for it.
 * `context` may be NULL. Control bytes of the message and the context are written as \xXX: a
 * client cannot forge a line.
 */
void journal_error(const struct error_log *logs, size_t count, enum log_level level,
                   const struct journal_context *context, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Would any of them take a line of this level? */
bool journal_wants(const struct error_log *logs, size_t count, enum log_level level);

#endif
