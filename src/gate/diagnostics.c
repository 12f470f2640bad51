#include "gate/diagnostics.h"

#include <stdio.h>
#include <unistd.h>

#include "gate/journal/journal.h"

static const char *speaker = "gate";
static bool terminal = true;
static const struct journal_settings *logs;

static bool logs_to_stderr(void)
{
    for (size_t i = 0; logs && i < logs->error_count; i++)
        if (journal_is_stderr(logs->error[i].file))
            return true;
    return false;
}

static void sink(enum log_level level, const char *line)
{
    if (logs)
        journal_error(logs->error, logs->error_count, level, NULL, "%s", line);
    if (terminal && level <= LOG_LEVEL_WARN && !logs_to_stderr())
        fprintf(stderr, "%s: [%s] %s\n", speaker, log_level_name(level), line);
}

/* The most talkative of the logs decides what is written at all. */
static void set_sink(void)
{
    enum log_level most = LOG_LEVEL_WARN;

    for (size_t i = 0; logs && i < logs->error_count; i++)
        if (logs->error[i].level > most)
            most = logs->error[i].level;
    log_to(sink, most);
}

void diagnostics_begin(const char *program)
{
    speaker = program;
    set_sink();
}

void diagnostics_to(const struct journal_settings *main)
{
    logs = main;
    set_sink();
    diagnostics_redirect();
}

void diagnostics_leave_terminal(void)
{
    terminal = false;
    diagnostics_redirect();
}

void diagnostics_redirect(void)
{
    int fd = -1;

    if (terminal || logs_to_stderr())
        return;
    for (size_t i = 0; fd < 0 && logs && i < logs->error_count; i++)
        fd = journal_fd(logs->error[i].file);
    if (fd >= 0 && dup2(fd, STDERR_FILENO) < 0)
        log_line(LOG_LEVEL_ALERT, "standard error cannot be led to the log");
}

bool diagnostics_on_terminal(void)
{
    return terminal;
}
