#include "gate/master.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "gate/command/pid_file.h"
#include "gate/diagnostics.h"
#include "gate/http/temp_file.h"
#include "gate/limit/limit_conn.h"
#include "gate/master_upgrade.h"
#include "gate/site_load.h"
#include "gate/worker.h"
#include "io/title.h"

enum {
    READY_MS = 10000,  /* for a worker to open its doors */
    RESPAWN_MS = 1000, /* between two workers, where the first died young */
    KILL_MS = 5000,    /* for a worker to end after TERM */
};

/* A worker, the current one or one that finishes. */
struct child {
    struct child *next;
    pid_t pid;
    uint64_t since_ms;
};

/* A configuration and what was opened for it. */
struct generation {
    struct site *site;
    struct listen_sockets sockets;
    struct process_owner owner;
    bool becomes; /* workers become the owner */
};

struct master {
    const struct site_context *context;
    struct generation now;
    struct child *children;
    pid_t current;       /* the one that takes connections; 0: none */
    bool wants_worker;   /* one is to be running */
    uint64_t respawn_ms; /* not before */
    bool ending;         /* exits when the last child has */
    uint64_t kill_ms;    /* when those that are left are killed; 0: never */
    int status;          /* to exit with */
    int ready;           /* for process_tell_ready */
    bool inherited;      /* the sockets are another program's, */
    pid_t before;        /* which this was when we began */
    pid_t next;          /* the program that shall take this one's place; 0: none */
};

static const int signals[] = {SIGTERM, SIGINT,  SIGQUIT,  SIGHUP,
                              SIGUSR1, SIGUSR2, SIGWINCH, SIGCHLD};

static sigset_t all_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaddset(&set, signals[i]);
    return set;
}

/* NULL: none. Paths of a site end with a NUL, which their length does not count. */
static const char *pid_path(const struct site *site)
{
    return site->process.pid_file.len > 0 ? (const char *)site->process.pid_file.at : NULL;
}

static struct listen_options *listen_options(const struct site *site)
{
    struct listen_options *options = calloc(site->listeners_count + 1, sizeof *options);

    for (size_t i = 0; options && i < site->listeners_count; i++) {
        const struct listener *from = &site->listeners[i];

        options[i] = (struct listen_options){
            .address = from->address,
            .backlog = from->backlog,
            .deferred = from->deferred,
            .ipv6_only = from->ipv6_only,
            .receive_buffer = from->receive_buffer,
            .send_buffer = from->send_buffer,
            .fast_open = from->fast_open,
            .keepalive = from->keepalive,
        };
    }
    return options;
}

static enum rc open_sockets(struct listen_sockets *sockets, const struct site *site,
                            const struct listen_sockets *kept, struct fault *why)
{
    struct listen_options *options = listen_options(site);
    enum rc rc = options ? listen_sockets_open(sockets, options, site->listeners_count,
                                               site->process.loops, kept, why)
                         : fail(why, RC_MEMORY, "no memory for listeners");

    free(options);
    return rc;
}

static enum rc test_sockets(const struct site *site, struct fault *why)
{
    struct listen_options *options = listen_options(site);
    enum rc rc = options ? listen_sockets_test(options, site->listeners_count, why)
                         : fail(why, RC_MEMORY, "no memory for listeners");

    free(options);
    return rc;
}

/* Root's workers become `user`, nobody where it is not said; others stay what they are. */
static enum rc find_owner(struct process_owner *owner, bool *becomes, const struct site *site,
                          struct fault *why)
{
    const struct process_settings *process = &site->process;
    char user[64], group[64];

    *becomes = geteuid() == 0;
    if (!*becomes)
        return RC_OK;
    if (process->user.len >= sizeof user || process->group.len >= sizeof group)
        return fail(why, RC_NOT_FOUND, "getpwnam(\"%.*s\") failed", SPAN_ARG(process->user));
    snprintf(user, sizeof user, "%.*s", SPAN_ARG(process->user));
    snprintf(group, sizeof group, "%.*s", SPAN_ARG(process->group));
    return process_find_owner(owner, user[0] ? user : "nobody", group, why);
}

static enum rc make_folders(const struct generation *g, struct fault *why)
{
    enum rc rc = RC_OK;

    for (const struct conf_folder *f = g->site->folders; f && rc == RC_OK; f = f->next)
        rc = temp_file_make_directory(f->path, g->becomes ? &g->owner.uid : NULL, why);
    return rc;
}

/* What stands in the file system: folders for the workers, and the logs. */
static enum rc open_files(struct generation *g, struct fault *why)
{
    enum rc rc;

    if ((rc = find_owner(&g->owner, &g->becomes, g->site, why)) || (rc = make_folders(g, why)))
        return rc;
    return journal_open(&g->site->journals, why);
}

enum rc master_test(struct site *site, struct fault *why)
{
    struct generation tested = {.site = site};
    const char *path = pid_path(site);
    enum rc rc;

    if ((rc = open_files(&tested, why)) || (path && (rc = pid_file_test(path, why))))
        return rc;
    return test_sockets(site, why);
}

/* True once the child has written its byte; false when it ends or takes too long. */
static bool is_ready(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char byte;

    return poll(&wait, 1, READY_MS) == 1 && read(fd, &byte, 1) == 1;
}

/* In the child. */
static _Noreturn void be_worker(struct master *m, struct generation *g, pid_t master,
                                int ready)
{
    title_set("worker process");
    const struct worker_setup setup = {
        .site = g->site,
        .sockets = &g->sockets,
        .owner = g->becomes ? &g->owner : NULL,
        .master = master,
        .ready = ready,
    };

    if (m->ready >= 0)
        close(m->ready);
    if (g != &m->now) /* the generation before has addresses of its own */
        listen_sockets_leave(&m->now.sockets, &g->sockets);
    _exit(worker_run(&setup));
}

/* `ends` of a pipe: the worker writes to the second one. */
static enum rc fork_worker(struct master *m, struct generation *g, const int ends[2],
                           pid_t *pid, struct fault *why)
{
    struct child *child = calloc(1, sizeof *child);
    pid_t master = getpid();

    if (!child)
        return fail(why, RC_MEMORY, "no memory for a worker");
    *pid = fork();
    if (*pid < 0) {
        free(child);
        return fail_errno(why, RC_IO, "fork()");
    }
    if (*pid == 0)
        be_worker(m, g, master, ends[1]);
    log_line(LOG_LEVEL_NOTICE, "start worker process %d", (int)*pid);
    *child = (struct child){m->children, *pid, clock_ms()};
    m->children = child;
    return RC_OK;
}

/* RC_OK when it takes connections. One that cannot has ended, or is about to. */
static enum rc start_worker(struct master *m, struct generation *g, struct fault *why)
{
    int ends[2];
    pid_t pid = 0;
    enum rc rc;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail_errno(why, RC_IO, "pipe2()");
    rc = fork_worker(m, g, ends, &pid, why);
    close(ends[1]);
    if (rc == RC_OK && !is_ready(ends[0])) {
        kill(pid, SIGKILL);
        rc = fail(why, RC_IO, "worker process %d could not start", (int)pid);
    }
    close(ends[0]);
    if (rc == RC_OK)
        m->current = pid;
    return rc;
}

static void tell_children(const struct master *m, int number, pid_t but)
{
    for (const struct child *child = m->children; child; child = child->next)
        if (child->pid != but)
            kill(child->pid, number);
}

static void close_generation(struct generation *g, const struct generation *other)
{
    listen_sockets_close(&g->sockets, other ? &other->sockets : NULL);
    site_release(g->site);
}

/* Takes over the site also when it fails. `kept` may be NULL. */
static enum rc open_generation(struct generation *g, struct site *site,
                               const struct generation *kept, struct fault *why)
{
    enum rc rc;

    *g = (struct generation){.site = site};
    if ((rc = open_files(g, why)) ||
        (rc = site_open_zones(site, kept ? kept->site : NULL, why)) ||
        (rc = open_sockets(&g->sockets, site, kept ? &kept->sockets : NULL, why)))
        close_generation(g, kept);
    return rc;
}

/* The pid file moves with the configuration. */
static enum rc move_pid_file(const char *from, const char *to, struct fault *why)
{
    if ((!from && !to) || (from && to && strcmp(from, to) == 0))
        return RC_OK;
    if (to && pid_file_write(to, why) != RC_OK)
        return RC_IO;
    if (from)
        pid_file_remove(from);
    return RC_OK;
}

/* Only when the new worker takes connections is the old one told to finish. */
static enum rc change_generation(struct master *m, struct generation *next, struct fault *why)
{
    struct generation old = m->now;
    enum rc rc;

    if ((rc = move_pid_file(pid_path(old.site), pid_path(next->site), why)) != RC_OK)
        return rc;
    if ((rc = start_worker(m, next, why)) != RC_OK) {
        if (move_pid_file(pid_path(next->site), pid_path(old.site), NULL) != RC_OK)
            log_line(LOG_LEVEL_ALERT, "the pid file is lost");
        return rc;
    }
    m->now = *next;
    m->wants_worker = true;
    diagnostics_to(&m->now.site->journal);
    tell_children(m, SIGQUIT, m->current);
    close_generation(&old, &m->now);
    return RC_OK;
}

/* What does not work changes nothing. */
static void reload(struct master *m)
{
    struct generation next;
    struct site *site;
    struct fault why = {0};

    log_line(LOG_LEVEL_NOTICE, "reconfiguring");
    if (site_load(&site, m->context) != RC_OK)
        return;
    if (open_generation(&next, site, &m->now, &why) != RC_OK) {
        log_line(LOG_LEVEL_EMERG, "%s", why.text);
        return;
    }
    if (change_generation(m, &next, &why) != RC_OK) {
        log_line(LOG_LEVEL_EMERG, "%s", why.text);
        close_generation(&next, &m->now);
    }
}

static void reopen_logs(const struct master *m)
{
    struct fault why = {0};
    uid_t owner = m->now.becomes ? m->now.owner.uid : (uid_t)-1;

    log_line(LOG_LEVEL_NOTICE, "reopening logs");
    if (journal_reopen(&m->now.site->journals, owner, &why) != RC_OK)
        log_line(LOG_LEVEL_EMERG, "%s", why.text);
    diagnostics_redirect();
    tell_children(m, SIGUSR1, 0);
}

/* Is another program there that shares the sockets, the one before or the next? */
static bool is_shared(const struct master *m)
{
    return m->next > 0 || (m->inherited && getppid() == m->before);
}

/* Paths of sockets stay where another program needs them. */
static void close_doors(struct master *m)
{
    if (is_shared(m))
        listen_sockets_leave(&m->now.sockets, NULL);
    else
        listen_sockets_close(&m->now.sockets, NULL);
}

static void end(struct master *m, int number)
{
    m->ending = true;
    m->wants_worker = false;
    if (number != SIGQUIT)
        m->kill_ms = clock_ms() + KILL_MS;
    tell_children(m, number, 0);
    close_doors(m);
}

/* WINCH: a master that is not bound to a terminal may be left without a worker, until HUP. */
static void retire_worker(struct master *m)
{
    if (!m->now.site->process.daemon && !m->inherited)
        return;
    log_line(LOG_LEVEL_NOTICE, "gracefully shutting down worker processes");
    m->wants_worker = false;
    m->current = 0;
    tell_children(m, SIGQUIT, 0);
}

/* Tells how a worker ended; true when another one could not do better. */
static bool tell_end(pid_t pid, int status)
{
    if (WIFSIGNALED(status)) {
        log_line(LOG_LEVEL_ALERT, "worker process %d exited on signal %d%s", (int)pid,
                 WTERMSIG(status), WCOREDUMP(status) ? " (core dumped)" : "");
        return false;
    }
    log_line(LOG_LEVEL_NOTICE, "worker process %d exited with code %d", (int)pid,
             WEXITSTATUS(status));
    return WEXITSTATUS(status) == WORKER_FAILED;
}

/* The last worker was killed: what it had in work is not counted any more. */
static void forget_work(const struct site *site)
{
    for (size_t i = 0; i < site->zones.count; i++)
        if (site->zones.all[i]->kind == ZONE_LIMIT_CONN)
            limit_conn_forget(site->zones.all[i]->zone);
}

static void lose_child(struct master *m, pid_t pid, int status)
{
    struct child **at = &m->children, *child;
    bool young, fatal = tell_end(pid, status);

    while (*at && (*at)->pid != pid)
        at = &(*at)->next;
    if (!(child = *at))
        return;
    *at = child->next;
    young = clock_ms() - child->since_ms < RESPAWN_MS;
    free(child);
    if (WIFSIGNALED(status) && !m->children)
        forget_work(m->now.site);
    if (pid != m->current)
        return;
    m->current = 0;
    m->respawn_ms = young ? clock_ms() + RESPAWN_MS : 0;
    if (fatal && m->wants_worker) {
        log_line(LOG_LEVEL_ALERT, "no worker can be started with this configuration");
        m->status = EXIT_FAILURE;
        end(m, SIGTERM);
    }
}

/* What was left to it is this program's alone again. */
static void lose_next(struct master *m, int status)
{
    log_line(LOG_LEVEL_NOTICE, "new binary process %d ended with status %d", (int)m->next,
             WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    m->next = 0;
    upgrade_undo(pid_path(m->now.site));
    if (!m->ending)
        m->wants_worker = true;
}

/* USR2 */
static void replace(struct master *m)
{
    struct fault why = {0};

    if (m->ending || is_shared(m)) {
        log_line(LOG_LEVEL_NOTICE,
                 "the changing binary signal is ignored: you should shutdown "
                 "or terminate before either old or new binary's process");
        return;
    }
    log_line(LOG_LEVEL_NOTICE, "changing binary");
    if (upgrade_start(m->context->argv, &m->now.sockets, pid_path(m->now.site), &m->next,
                      &why) != RC_OK)
        log_line(LOG_LEVEL_ALERT, "%s", why.text);
}

static void reap(struct master *m)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == m->next)
            lose_next(m, status);
        else
            lose_child(m, pid, status);
}

static void obey(struct master *m, int number)
{
    if (number != SIGCHLD)
        log_line(LOG_LEVEL_NOTICE, "signal %d (SIG%s) received", number, sigabbrev_np(number));
    switch (number) {
    case SIGCHLD:
        reap(m);
        break;
    case SIGHUP:
        if (m->next > 0) /* it has the configuration; this one takes connections again */
            m->wants_worker = !m->ending;
        else if (!m->ending)
            reload(m);
        break;
    case SIGUSR1:
        reopen_logs(m);
        break;
    case SIGUSR2:
        replace(m);
        break;
    case SIGWINCH:
        retire_worker(m);
        break;
    default:
        end(m, number);
    }
}

/* Does what time has come for; how long there is nothing more to do, -1 for ever. */
static int look_at_clock(struct master *m)
{
    uint64_t now = clock_ms();
    struct fault why = {0};

    if (m->kill_ms > 0 && now >= m->kill_ms) {
        tell_children(m, SIGKILL, 0);
        m->kill_ms = 0;
    }
    if (m->wants_worker && !m->current && now >= m->respawn_ms &&
        start_worker(m, &m->now, &why) != RC_OK) {
        log_line(LOG_LEVEL_ALERT, "%s", why.text);
        m->respawn_ms = now + RESPAWN_MS;
    }
    if (m->kill_ms > 0)
        return (int)(m->kill_ms - now);
    return m->wants_worker && !m->current ? RESPAWN_MS : -1;
}

static void rule(struct master *m)
{
    sigset_t set = all_signals();

    while (!m->ending || m->children) {
        int wait_ms = look_at_clock(m), number;
        struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000L};

        number = sigtimedwait(&set, NULL, wait_ms < 0 ? NULL : &wait);
        if (number > 0)
            obey(m, number);
    }
}

/* Without a master: one process, as for a debugger. It keeps its privileges. */
static int run_alone(struct master *m)
{
    const struct worker_setup setup = {
        .site = m->now.site, .sockets = &m->now.sockets, .ready = -1};

    process_tell_ready(&m->ready);
    return worker_run(&setup) == WORKER_ENDED ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_with_worker(struct master *m)
{
    struct fault why = {0};

    if (start_worker(m, &m->now, &why) != RC_OK) {
        log_line(LOG_LEVEL_EMERG, "%s", why.text);
        m->status = EXIT_FAILURE;
        end(m, SIGTERM);
    } else {
        m->wants_worker = true;
        title_set_with_words("master process");
        process_tell_ready(&m->ready);
        if (m->context->greeting) {
            fputs(m->context->greeting, stdout);
            fflush(stdout);
        }
    }
    diagnostics_leave_terminal();
    rule(m);
    return m->status;
}

/*
 * Into the background and on record; nothing stands in the way of connections any more. A program that follows another one is where
 * that was.
 */
static enum rc settle(struct master *m, struct fault *why)
{
    const struct site *site = m->now.site;
    sigset_t set = all_signals();

    if (site->process.daemon && !m->inherited && process_daemonise(&m->ready, why) != RC_OK)
        return RC_IO;
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return pid_path(site) ? pid_file_write(pid_path(site), why) : RC_OK;
}

/* With the sockets of the program before, where it left any; what is wrong goes to the site's own logs. */
static enum rc open_first(struct master *m, struct site *site, struct fault *why)
{
    struct listen_sockets left = {0};
    enum rc rc;

    m->now.site = site;
    if ((rc = open_files(&m->now, why)) != RC_OK)
        return rc;
    diagnostics_to(&site->journal);
    if ((rc = site_open_zones(site, NULL, why)) || (rc = upgrade_inherit(&left, why)))
        return rc;
    m->inherited = left.count > 0;
    rc = open_sockets(&m->now.sockets, site, &left, why);
    listen_sockets_leave(&left, &m->now.sockets);
    return rc;
}

int master_run(struct site *site, const struct site_context *context)
{
    struct master m = {.context = context, .ready = -1, .before = getppid()};
    struct fault why = {0};

    if (open_first(&m, site, &why) != RC_OK) {
        log_line(LOG_LEVEL_EMERG, "%s", why.text);
        diagnostics_to(NULL);
        close_generation(&m.now, NULL);
        return EXIT_FAILURE;
    }
    if (settle(&m, &why) != RC_OK) {
        log_line(LOG_LEVEL_EMERG, "%s", why.text);
        m.status = EXIT_FAILURE;
    } else {
        m.status = site->process.master ? run_with_worker(&m) : run_alone(&m);
        if (m.next > 0)
            upgrade_finish(pid_path(m.now.site));
        else if (pid_path(m.now.site))
            pid_file_remove(pid_path(m.now.site));
    }
    log_line(LOG_LEVEL_NOTICE, "exit");
    diagnostics_to(NULL);
    close_generation(&m.now, NULL);
    return m.status;
}
