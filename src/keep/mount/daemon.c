#include "keep/mount/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* The parent: the child's report is one byte; none means that it failed, and has said why. */
static _Noreturn void await(pid_t child, int report)
{
    uint8_t byte;
    ssize_t got;
    int status = 0;

    while ((got = read(report, &byte, 1)) < 0 && errno == EINTR)
        ;
    if (got == 1)
        _exit(byte);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        raise(WTERMSIG(status));
    }
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

enum rc daemon_begin(struct daemon *daemon, bool foreground, struct fault *why)
{
    int ends[2];
    pid_t child;

    daemon->report = -1;
    signal(SIGPIPE, SIG_IGN); /* whoever stops listening to us does not cut off a volume */
    signal(SIGXFSZ, SIG_IGN); /* nor does a limit on the size of files: writes fail */
    if (foreground)
        return RC_OK;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return fail_errno(why, RC_IO, "no pipe for the daemon");
    child = fork();
    if (child < 0) {
        close(ends[0]);
        close(ends[1]);
        return fail_errno(why, RC_IO, "no process for the daemon");
    }
    close(ends[child == 0 ? 0 : 1]);
    if (child > 0)
        await(child, ends[0]);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* whoever leaves the prompt leaves no daemon */
    daemon->report = ends[1];
    return RC_OK;
}

void daemon_report(struct daemon *daemon)
{
    static const uint8_t well = 0;
    int nothing;

    if (daemon->report < 0)
        return;
    prctl(PR_SET_PDEATHSIG, 0);
    setsid();
    nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing >= 0) {
        for (int fd = 0; fd <= 2; fd++)
            dup2(nothing, fd);
        if (nothing > 2)
            close(nothing);
    }
    /* Where the parent is gone nobody reads it, and nothing depends on it. */
    if (write(daemon->report, &well, 1) < 0)
        errno = 0;
    close(daemon->report);
    daemon->report = -1;
}

void daemon_hide(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    prctl(PR_SET_DUMPABLE, 0);
}

int daemon_watch_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static void spare_from_oom(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    ssize_t written;

    if (fd < 0)
        return;
    written = write(fd, "-1000", 5);
    (void)written; /* only root may */
    close(fd);
}

void daemon_guard(void)
{
    mlockall(MCL_CURRENT | MCL_ONFAULT);
    spare_from_oom();
    if (chdir("/") < 0)
        errno = 0;
}
