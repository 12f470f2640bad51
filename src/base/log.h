/*
 * Diagnostics of a daemon, one line each, with a level. Who writes them, and where to, is for the
 * program to say; until it does they go to standard error. Secrets never go in.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>

enum log_level {
    LOG_LEVEL_EMERG,
    LOG_LEVEL_ALERT,
    LOG_LEVEL_CRIT,
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_NOTICE,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

/* Is called with one line, without its newline. Must be safe to call from several threads. */
typedef void log_sink(enum log_level level, const char *line);

void log_to(log_sink *sink, enum log_level most);
void log_line(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "emerg" .. "debug"; NULL for a number that is none. */
const char *log_level_name(enum log_level level);

/* -1 for a word that names none. */
int log_level_find(const char *name);

#endif
