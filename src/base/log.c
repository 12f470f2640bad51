#include "base/log.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = {"emerg", "alert",  "crit", "error",
                                    "warn",  "notice", "info", "debug"};

static void to_stderr(enum log_level level, const char *line)
{
    fprintf(stderr, "[%s] %s\n", names[level], line);
}

static log_sink *sink = to_stderr;
static enum log_level most = LOG_LEVEL_NOTICE;

void log_to(log_sink *to, enum log_level level)
{
    sink = to ? to : to_stderr;
    most = level;
}

void log_line(enum log_level level, const char *format, ...)
{
    char line[2048];
    va_list args;

    if (level > most)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    sink(level, line);
}

const char *log_level_name(enum log_level level)
{
    return level <= LOG_LEVEL_DEBUG ? names[level] : NULL;
}

int log_level_find(const char *name)
{
    for (int i = 0; i <= LOG_LEVEL_DEBUG; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}
