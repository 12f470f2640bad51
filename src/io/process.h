/* Our own process: its place in the system, and what it gives up. */
#ifndef IO_PROCESS_H
#define IO_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/fault.h"

/* Whom a process becomes. */
struct process_owner {
    char name[64]; /* for its supplementary groups */
    uid_t uid;
    gid_t gid;
};

/*
 * `group` may be NULL or empty: the user's own.
 * RC_NOT_FOUND  'getpwnam("x") failed', 'getgrnam("x") failed'
 */
enum rc process_find_owner(struct process_owner *owner, const char *user, const char *group,
                           struct fault *why);

/*
 * Gives up root for good: ids, supplementary groups, and any way to gain privileges again
 * (no_new_privs). After an error the process must end.
 */
enum rc process_become(const struct process_owner *owner, struct fault *why);

/*
 * Into the background: the parent waits for process_tell_ready, and exits with 0 then, with 1 where that never comes. Standard
 * input and output become /dev/null.
 */
enum rc process_daemonise(int *ready, struct fault *why);

/* The service works: the process that was started ends well. -1 is nobody. */
void process_tell_ready(int *ready);

/*
 * The kernel kills us when our parent ends. `parent` is who it was before the fork. Call it
 * after process_become, which would take it back.
 */
enum rc process_die_with(pid_t parent, struct fault *why);

/* How many files may be open; 0: as many as the system lets us. */
enum rc process_limit_files(uint64_t most, struct fault *why);

/* The most bytes of a core file, which is written also where process_become has run before. */
enum rc process_limit_core(uint64_t most, struct fault *why);

/* The process is as nice as that (nice(1)); less than 0 needs rights. */
enum rc process_be_nice(int number, struct fault *why);

/* The calling thread runs on these CPUs alone: a bit each. */
enum rc process_run_on(uint64_t cpus, struct fault *why);

#endif
