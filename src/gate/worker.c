#include "gate/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "gate/diagnostics.h"
#include "gate/listen/acceptor.h"
#include "gate/service.h"
#include "io/title.h"

enum { CHECK_MS = 20 }; /* how often a loop that drains looks whether it is idle */

enum wanted { RUN, DRAIN, STOP };

/* One listening socket of one loop. */
struct door {
    struct acceptor acceptor;
    const struct listener *listener;
    struct seat *seat;
};

/* One loop, and what runs in it. */
struct seat {
    struct worker *worker;
    unsigned index;
    pthread_t thread;
    struct loop *loop;
    struct service *service;
    struct door *doors;
    struct timer check, deadline;
    struct timer flush; /* of logs with buffers: the first one's */
    bool draining;
};

struct worker {
    const struct worker_setup *setup;
    struct seat *seats;
    unsigned count;
    struct watch signals;
    atomic_int wanted;
    atomic_uint running; /* loops that have not ended */
};

static void accepted(struct acceptor *acceptor, int fd, const struct address *from)
{
    struct door *door = LIST_OWNER(acceptor, struct door, acceptor);

    service_accept(door->seat->service, door->listener, fd, from);
}

static bool has_room(struct acceptor *acceptor)
{
    const struct door *door = LIST_OWNER(acceptor, struct door, acceptor);
    const struct site *site = door->seat->worker->setup->site;

    return service_connections(door->seat->service) < site->process.worker_connections;
}

/* The first loop hears the signals, and so it is the last to end. */
static bool has_ended(const struct seat *seat)
{
    return service_is_idle(seat->service) &&
           (seat->index > 0 || atomic_load(&seat->worker->running) == 1);
}

static void on_check(struct timer *timer)
{
    struct seat *seat = LIST_OWNER(timer, struct seat, check);

    if (has_ended(seat))
        loop_stop(seat->loop);
    else
        timer_set(loop_timers(seat->loop), timer, CHECK_MS);
}

static void on_deadline(struct timer *timer)
{
    loop_stop(LIST_OWNER(timer, struct seat, deadline)->loop);
}

static void wait_for_logs(struct seat *seat)
{
    uint64_t wait_ms = journal_wait_ms(&seat->worker->setup->site->journals);

    if (wait_ms > 0)
        timer_set(loop_timers(seat->loop), &seat->flush, wait_ms);
}

static void on_flush(struct timer *timer)
{
    struct seat *seat = LIST_OWNER(timer, struct seat, flush);

    journal_flush_due(&seat->worker->setup->site->journals);
    wait_for_logs(seat);
}

static void close_doors(struct seat *seat)
{
    for (size_t i = 0; seat->doors && i < seat->worker->setup->site->listeners_count; i++)
        acceptor_end(&seat->doors[i].acceptor);
}

/*
 * The sockets are the master's to keep or to close: an address that is given up must be
 * refused at once. The one of a path is shared by all loops; nobody finds it any more when the
 * master has removed the path.
 */
static void leave_doors(struct seat *seat)
{
    close_doors(seat);
    for (size_t i = 0; i < seat->worker->setup->site->listeners_count; i++)
        if (seat->doors[i].listener->address.any.sa_family != AF_UNIX)
            listen_sockets_close_one(seat->worker->setup->sockets, i, seat->index);
}

static void drain(struct seat *seat)
{
    uint64_t timeout_ms = seat->worker->setup->site->process.shutdown_timeout_ms;

    if (seat->draining)
        return;
    seat->draining = true;
    for (size_t i = 0; i < seat->worker->setup->site->listeners_count; i++)
        acceptor_drain(&seat->doors[i].acceptor);
    leave_doors(seat);
    service_drain(seat->service);
    timer_set(loop_timers(seat->loop), &seat->check, 1);
    if (timeout_ms > 0)
        timer_set(loop_timers(seat->loop), &seat->deadline, timeout_ms);
}

/* In the loop's own thread, after somebody changed what is wanted. */
static void obey(void *of)
{
    struct seat *seat = of;

    service_take_woken(seat->service);
    switch ((enum wanted)atomic_load(&seat->worker->wanted)) {
    case RUN:
        break;
    case DRAIN:
        drain(seat);
        break;
    case STOP:
        loop_stop(seat->loop);
        break;
    }
}

static void want(struct worker *worker, enum wanted wanted)
{
    if (atomic_load(&worker->wanted) >= (int)wanted)
        return;
    atomic_store(&worker->wanted, wanted);
    for (unsigned i = 0; i < worker->count; i++)
        loop_wake(worker->seats[i].loop);
}

static void reopen(struct worker *worker)
{
    struct fault why = {0};

    log_line(LOG_LEVEL_NOTICE, "reopening logs");
    if (journal_reopen(&worker->setup->site->journals, (uid_t)-1, &why) != RC_OK)
        log_line(LOG_LEVEL_EMERG, "%s", why.text);
    diagnostics_redirect();
}

static void on_signal(struct watch *watch, unsigned what)
{
    struct worker *worker = LIST_OWNER(watch, struct worker, signals);
    struct signalfd_siginfo signal;

    (void)what;
    while (read(watch->fd, &signal, sizeof signal) == sizeof signal) {
        if (signal.ssi_signo == SIGUSR1) {
            reopen(worker);
        } else if (signal.ssi_signo == SIGQUIT) {
            log_line(LOG_LEVEL_NOTICE, "gracefully shutting down");
            title_set("worker process is shutting down");
            journal_flush(&worker->setup->site->journals);
            want(worker, DRAIN);
        } else {
            log_line(LOG_LEVEL_NOTICE, "exiting");
            want(worker, STOP);
        }
    }
}

static enum rc watch_signals(struct worker *worker, struct fault *why)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGQUIT);
    sigaddset(&set, SIGUSR1);
    worker->signals =
        (struct watch){signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), on_signal};
    if (worker->signals.fd < 0)
        return fail_errno(why, RC_IO, "signalfd()");
    return loop_add_level(worker->seats[0].loop, &worker->signals, why);
}

static enum rc open_doors(struct seat *seat, struct fault *why)
{
    const struct worker_setup *setup = seat->worker->setup;
    enum rc rc = RC_OK;

    seat->doors = calloc(setup->site->listeners_count + 1, sizeof *seat->doors);
    if (!seat->doors)
        return fail(why, RC_MEMORY, "no memory for listeners");
    for (size_t i = 0; rc == RC_OK && i < setup->site->listeners_count; i++) {
        struct door *door = &seat->doors[i];

        *door = (struct door){
            {.accepted = accepted, .has_room = has_room}, &setup->site->listeners[i], seat};
        rc = acceptor_begin(&door->acceptor, seat->loop,
                            setup->sockets->addresses[i].fds[seat->index], why);
    }
    return rc;
}

static enum rc open_seat(struct worker *worker, unsigned index, struct fault *why)
{
    struct seat *seat = &worker->seats[index];
    enum rc rc;

    *seat = (struct seat){.worker = worker,
                          .index = index,
                          .check.fire = on_check,
                          .deadline.fire = on_deadline,
                          .flush.fire = on_flush};
    if ((rc = loop_open(&seat->loop, why)) ||
        (rc = service_open(&seat->service, seat->loop, worker->setup->site, index, why)))
        return rc;
    loop_on_wake(seat->loop, obey, seat);
    return open_doors(seat, why);
}

/* worker_cpu_affinity: the last mask stands for all loops that have none of their own. */
static void pin(const struct seat *seat)
{
    const struct process_settings *process = &seat->worker->setup->site->process;
    size_t last = process->cpu_masks_count - 1;
    struct fault why = {0};

    if (process->cpu_masks_count > 0 &&
        process_run_on(process->cpu_masks[seat->index < last ? seat->index : last], &why) !=
            RC_OK)
        log_line(LOG_LEVEL_ALERT, "%s", why.text);
}

/* A seat's whole life, in its own thread. */
static void *occupy(void *of)
{
    struct seat *seat = of;

    pin(seat);
    loop_run(seat->loop);
    close_doors(seat);
    service_close(seat->service);
    seat->service = NULL;
    atomic_fetch_sub(&seat->worker->running, 1);
    return NULL;
}

static enum rc start_threads(struct worker *worker, struct fault *why)
{
    for (unsigned i = 1; i < worker->count; i++) {
        struct seat *seat = &worker->seats[i];

        if (pthread_create(&seat->thread, NULL, occupy, seat) != 0)
            return fail(why, RC_IO, "no thread for loop %u", i);
    }
    return RC_OK;
}

/* With the rights of the master, those of whom the worker becomes, and where it stands then. */
static enum rc settle(const struct worker_setup *setup, struct fault *why)
{
    const struct process_settings *process = &setup->site->process;
    enum rc rc;

    if (process_limit_files(process->worker_rlimit_nofile, why) != RC_OK)
        log_line(LOG_LEVEL_ALERT, "%s", why->text);
    if (process->worker_priority != 0 &&
        process_be_nice(process->worker_priority, why) != RC_OK)
        log_line(LOG_LEVEL_ALERT, "%s", why->text);
    if (setup->owner && (rc = process_become(setup->owner, why)))
        return rc;
    if (process->worker_rlimit_core != UINT64_MAX &&
        process_limit_core(process->worker_rlimit_core, why) != RC_OK)
        log_line(LOG_LEVEL_ALERT, "%s", why->text);
    if (process->working_directory && chdir(process->working_directory) < 0)
        return fail_errno(why, RC_IO, "chdir(\"%s\")", process->working_directory);
    return setup->master ? process_die_with(setup->master, why) : RC_OK;
}

static enum rc start(struct worker *worker, struct fault *why)
{
    const struct worker_setup *setup = worker->setup;
    const struct process_settings *process = &setup->site->process;
    enum rc rc;

    if ((rc = settle(setup, why)) != RC_OK)
        return rc;
    worker->count = process->loops;
    worker->seats = calloc(worker->count, sizeof *worker->seats);
    if (!worker->seats)
        return fail(why, RC_MEMORY, "no memory for loops");
    atomic_init(&worker->running, worker->count);
    for (unsigned i = 0; i < worker->count; i++)
        if ((rc = open_seat(worker, i, why)) != RC_OK)
            return rc;
    if ((rc = watch_signals(worker, why)) != RC_OK)
        return rc;
    return start_threads(worker, why);
}

int worker_run(const struct worker_setup *setup)
{
    struct worker worker = {.setup = setup};
    struct fault why = {0};

    if (start(&worker, &why) != RC_OK) {
        log_line(LOG_LEVEL_EMERG, "%s", why.text);
        return WORKER_FAILED;
    }
    diagnostics_leave_terminal();
    if (setup->ready >= 0 && write(setup->ready, "r", 1) != 1)
        log_line(LOG_LEVEL_ALERT, "the master cannot be told that the worker is ready");
    wait_for_logs(&worker.seats[0]);
    occupy(&worker.seats[0]);
    want(&worker, STOP);
    for (unsigned i = 1; i < worker.count; i++)
        pthread_join(worker.seats[i].thread, NULL);
    for (unsigned i = 0; i < worker.count; i++) {
        free(worker.seats[i].doors);
        loop_close(worker.seats[i].loop);
    }
    free(worker.seats);
    close(worker.signals.fd);
    journal_flush(&setup->site->journals);
    log_line(LOG_LEVEL_NOTICE, "exit");
    return WORKER_ENDED;
}
