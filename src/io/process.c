#include "io/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum rc process_find_owner(struct process_owner *owner, const char *user, const char *group,
                           struct fault *why)
{
    const struct passwd *entry = getpwnam(user);
    const struct group *its_group;

    if (!entry || strlen(user) >= sizeof owner->name)
        return fail(why, RC_NOT_FOUND, "getpwnam(\"%s\") failed", user);
    snprintf(owner->name, sizeof owner->name, "%s", user);
    owner->uid = entry->pw_uid;
    owner->gid = entry->pw_gid;
    if (!group || !*group)
        return RC_OK;
    if (!(its_group = getgrnam(group)))
        return fail(why, RC_NOT_FOUND, "getgrnam(\"%s\") failed", group);
    owner->gid = its_group->gr_gid;
    return RC_OK;
}

enum rc process_become(const struct process_owner *owner, struct fault *why)
{
    if (setresgid(owner->gid, owner->gid, owner->gid) != 0)
        return fail_errno(why, RC_IO, "setresgid(%u)", (unsigned)owner->gid);
    if (initgroups(owner->name, owner->gid) != 0)
        return fail_errno(why, RC_IO, "initgroups(%s, %u)", owner->name, (unsigned)owner->gid);
    if (setresuid(owner->uid, owner->uid, owner->uid) != 0)
        return fail_errno(why, RC_IO, "setresuid(%u)", (unsigned)owner->uid);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail_errno(why, RC_IO, "prctl(PR_SET_NO_NEW_PRIVS)");
    return RC_OK;
}

/* The first process: it ends when the other one serves, or has ended. */
static _Noreturn void wait_until_ready(int ends[2])
{
    char byte;

    close(ends[1]);
    _exit(read(ends[0], &byte, 1) == 1 ? 0 : 1);
}

void process_tell_ready(int *ready)
{
    if (*ready < 0)
        return;
    (void)!write(*ready, "r", 1); /* nobody may wait any more */
    close(*ready);
    *ready = -1;
}

enum rc process_daemonise(int *ready, struct fault *why)
{
    int null, ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail_errno(why, RC_IO, "pipe2()");
    switch (fork()) {
    case -1:
        return fail_errno(why, RC_IO, "fork()");
    case 0:
        break;
    default:
        wait_until_ready(ends);
    }
    close(ends[0]);
    *ready = ends[1];
    if (setsid() < 0)
        return fail_errno(why, RC_IO, "setsid()");
    umask(022);
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        return fail_errno(why, RC_IO, "/dev/null");
    if (null > STDERR_FILENO)
        close(null);
    return RC_OK;
}

enum rc process_die_with(pid_t parent, struct fault *why)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return fail_errno(why, RC_IO, "prctl(PR_SET_PDEATHSIG)");
    if (getppid() != parent)
        return fail(why, RC_IO, "the parent process has ended");
    return RC_OK;
}

enum rc process_limit_files(uint64_t most, struct fault *why)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return fail_errno(why, RC_IO, "getrlimit(RLIMIT_NOFILE)");
    limit.rlim_cur = most > 0 ? most : limit.rlim_max;
    if (most > limit.rlim_max)
        limit.rlim_max = most;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return fail_errno(why, RC_IO, "setrlimit(RLIMIT_NOFILE, %llu)",
                          (unsigned long long)limit.rlim_cur);
    return RC_OK;
}

enum rc process_limit_core(uint64_t most, struct fault *why)
{
    const struct rlimit limit = {.rlim_cur = most, .rlim_max = most};

    if (setrlimit(RLIMIT_CORE, &limit) != 0)
        return fail_errno(why, RC_IO, "setrlimit(RLIMIT_CORE, %llu)",
                          (unsigned long long)most);
    if (prctl(PR_SET_DUMPABLE, 1) != 0)
        return fail_errno(why, RC_IO, "prctl(PR_SET_DUMPABLE)");
    return RC_OK;
}

enum rc process_be_nice(int number, struct fault *why)
{
    if (setpriority(PRIO_PROCESS, 0, number) != 0)
        return fail_errno(why, RC_IO, "setpriority(%d)", number);
    return RC_OK;
}

enum rc process_run_on(uint64_t cpus, struct fault *why)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    for (unsigned i = 0; i < 64; i++)
        if (cpus >> i & 1)
            CPU_SET(i, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        return fail_errno(why, RC_IO, "sched_setaffinity()");
    return RC_OK;
}
