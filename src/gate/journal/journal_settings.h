/* Where a location's access log goes, and in what form. */
#ifndef GATE_JOURNAL_JOURNAL_SETTINGS_H
#define GATE_JOURNAL_JOURNAL_SETTINGS_H

#include "base/log.h"
#include "gate/conf/directive.h"

/* A file that lines are appended to, opened once however often it is named; see journal.h. */
struct journal_file;
struct path_cache;

enum journal_escape { JOURNAL_ESCAPE_DEFAULT, JOURNAL_ESCAPE_JSON, JOURNAL_ESCAPE_NONE };

struct journal_format {
    struct span name;
    enum journal_escape escape;
    struct template line;
};

struct access_log {
    struct journal_file *file; /* NULL: `path`, each line's own */
    struct template path;
    struct template condition; /* "" and "0": no line; without parts: always one */
    const struct journal_format *format;
};

struct error_log {
    struct journal_file *file;
    enum log_level level;
};

struct journal_files; /* journal.h */

/* All that log_format names. */
struct journal_formats {
    const struct journal_format **all;
    size_t count;
};

struct journal_settings {
    const struct access_log *access;
    size_t access_count; /* 0: access_log off */
    const struct error_log *error;
    size_t error_count;

    struct path_cache *paths;    /* of logs with a `path`; NULL: opened for each line */
    struct journal_files *files; /* of the site */
    struct journal_formats *formats;
};

/* Their directives: parts are struct journal_settings. */
extern const struct directive journal_directives[];

/* Adds the format that every site has, "combined". */
enum rc journal_settings_begin(struct conf *conf, struct journal_settings *s);

/* What holds where nothing is said: `target` as journal_add takes it; NULL: none. */
enum rc journal_settings_access(struct conf *conf, struct journal_settings *s,
                                const char *target);
enum rc journal_settings_error(struct conf *conf, struct journal_settings *s,
                               const char *target);

#endif
