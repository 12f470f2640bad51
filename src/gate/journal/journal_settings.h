/* Where a location's access log goes, and in what form. */
#ifndef GATE_JOURNAL_JOURNAL_SETTINGS_H
#define GATE_JOURNAL_JOURNAL_SETTINGS_H

#include "base/log.h"
#include "gate/conf/template.h"

/* A file that lines are appended to, opened once however often it is named; see journal.h. */
struct journal_file;

enum journal_escape { JOURNAL_ESCAPE_DEFAULT, JOURNAL_ESCAPE_JSON, JOURNAL_ESCAPE_NONE };

struct journal_format {
    struct span name;
    enum journal_escape escape;
    struct template line;
};

struct access_log {
    struct journal_file *file;
    const struct journal_format *format;
};

struct error_log {
    struct journal_file *file;
    enum log_level level;
};

struct journal_settings {
    const struct access_log *access;
    size_t access_count; /* 0: access_log off */
    const struct error_log *error;
    size_t error_count;
};

#endif
