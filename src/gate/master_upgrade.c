#include "gate/master_upgrade.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "gate/command/pid_file.h"
#include "gate/listen/handover.h"

enum { NOT_STARTED = 127 };

/* False: the name is too long. */
static bool old_path(char path[PATH_MAX], const char *pid_path)
{
    return snprintf(path, PATH_MAX, "%s.oldbin", pid_path) < PATH_MAX;
}

static enum rc move(const char *from, const char *to, struct fault *why)
{
    if (rename(from, to) == 0)
        return RC_OK;
    return fail(why, RC_IO, "rename() \"%s\" to \"%s\" failed (%d: %s)", from, to, errno,
                strerrordesc_np(errno));
}

/* In the child. */
static _Noreturn void become(char *const argv[], const struct listen_sockets *sockets)
{
    struct text names = {0};
    struct fault why = {0};
    sigset_t none;

    if (handover_write(sockets, &names, &why) == RC_OK &&
        setenv(HANDOVER_VARIABLE, names.at ? names.at : "", 1) == 0) {
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        signal(SIGPIPE, SIG_DFL);
        execvp(argv[0], argv);
        log_line(LOG_LEVEL_ALERT,
                 "execve() failed while executing new binary process \"%s\" (%d: %s)", argv[0],
                 errno, strerrordesc_np(errno));
    } else {
        log_line(LOG_LEVEL_ALERT, "the sockets cannot be handed over: %s", why.text);
    }
    _exit(NOT_STARTED);
}

enum rc upgrade_start(char *const argv[], const struct listen_sockets *sockets,
                      const char *pid_path, pid_t *pid, struct fault *why)
{
    char old[PATH_MAX];
    pid_t made;
    enum rc rc;

    if (pid_path && !old_path(old, pid_path))
        return fail(why, RC_IO, "the name of the pid file is too long");
    if (pid_path && (rc = move(pid_path, old, why)) != RC_OK)
        return rc;
    made = fork();
    if (made == 0)
        become(argv, sockets);
    if (made < 0) {
        rc = fail_errno(why, RC_IO, "fork()");
        upgrade_undo(pid_path);
        return rc;
    }
    *pid = made;
    log_line(LOG_LEVEL_NOTICE, "start new binary process %d", (int)made);
    return RC_OK;
}

void upgrade_undo(const char *pid_path)
{
    char old[PATH_MAX];
    struct fault why;

    if (pid_path && old_path(old, pid_path) && move(old, pid_path, &why) != RC_OK)
        log_line(LOG_LEVEL_ALERT, "%s", why.text);
}

void upgrade_finish(const char *pid_path)
{
    char old[PATH_MAX];

    if (pid_path && old_path(old, pid_path))
        pid_file_remove(old);
}

enum rc upgrade_inherit(struct listen_sockets *out, struct fault *why)
{
    const char *text = getenv(HANDOVER_VARIABLE);
    enum rc rc;

    *out = (struct listen_sockets){0};
    if (!text)
        return RC_OK;
    log_line(LOG_LEVEL_NOTICE, "using inherited sockets from \"%s\"", text);
    rc = handover_read(span_text(text), out, why);
    unsetenv(HANDOVER_VARIABLE);
    return rc;
}
