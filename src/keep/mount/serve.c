#include "keep/mount/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "keep/mount/file_system.h"
#include "keep/mount/fuse_protocol.h"
#include "keep/mount/fuse_transport.h"
#include "keep/mount/idle.h"
#include "keep/mount/unmount.h"

/* What fuse2fs comes to says whether it has written all that it kept. */
static void reap(struct serve *serve)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == serve->record->helper)
            serve->helper_status = status;
}

static enum rc check_helper(struct serve *serve, struct fault *why)
{
    int status;

    reap(serve);
    status = serve->helper_status;
    if (status == 0)
        return RC_OK;
    return fail(why, RC_IO, "%s: fuse2fs ended with %s %d, and may not have saved all",
                serve->record->target, WIFSIGNALED(status) ? "signal" : "status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void take_signal(struct serve *serve, struct idle *idle, int signals)
{
    struct signalfd_siginfo info;

    if (read(signals, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (info.ssi_signo == SIGCHLD)
        reap(serve);
    else if (info.ssi_signo != SIGHUP || serve->daemon->report >= 0)
        idle_end(idle, serve->record);
}

/* Whoever unmounts what is inside, with umount(8), means to close the volume. */
static void take_mount_change(const struct record *record, struct idle *idle)
{
    if (!record->raw && !file_system_is_mounted(record->mountpoint))
        idle_end(idle, record);
}

static void wait_for_end(struct serve *serve, struct fuse_transport *fuse, int signals)
{
    int mounts = open("/proc/self/mounts", O_RDONLY | O_CLOEXEC); /* -1 is passed over */
    struct pollfd events[] = {{.fd = fuse_transport_ended_fd(fuse), .events = POLLIN},
                              {.fd = signals, .events = POLLIN},
                              {.fd = mounts, .events = POLLPRI}};
    struct idle idle;

    idle_begin(&idle, serve->idle_ms);
    while (!(events[0].revents & POLLIN)) {
        int count = poll(events, 3, idle_poll_ms(&idle));

        if (count == 0)
            idle_look(&idle, fuse, serve->record);
        if (count <= 0)
            continue;
        if (events[1].revents & POLLIN)
            take_signal(serve, &idle, signals);
        if (events[2].revents & POLLPRI)
            take_mount_change(serve->record, &idle);
    }
    if (mounts >= 0)
        close(mounts);
}

static enum rc mount_inner(struct serve *serve, struct fault *why)
{
    struct record *record = serve->record;
    char image[PATH_MAX + sizeof SERVE_FILE + 1];

    if (record->raw)
        return RC_OK;
    snprintf(image, sizeof image, "%s/%s", record->face, SERVE_FILE);
    return file_system_mount(image, record->mountpoint, record->read_only, serve->sector_size,
                             &record->helper, why);
}

static enum rc run(struct serve *serve, struct fuse_transport *fuse, int signals,
                   struct fault *why)
{
    enum rc rc;

    if ((rc = mount_inner(serve, why)) == RC_OK &&
        (rc = record_write(serve->record, why)) == RC_OK) {
        daemon_guard();
        serve->mounted(serve->record);
        daemon_report(serve->daemon);
        wait_for_end(serve, fuse, signals);
        return RC_OK;
    }
    (void)unmount_record(serve->record, true, NULL);
    return rc;
}

enum rc serve_volume(struct serve *serve, struct fault *why)
{
    struct fuse_face face = {
        .device = serve->device,
        .name = SERVE_FILE,
        .owner = geteuid(),
        .group = getegid(),
        .time = (uint64_t)time(NULL),
        .bulk = !serve->record->raw && geteuid() == 0,
        .discard = serve->discard,
    };
    struct fuse_transport *fuse = NULL;
    int signals = daemon_watch_signals();
    enum rc rc, flushed = RC_OK;

    if (signals < 0)
        rc = fail_errno(why, RC_IO, "no descriptor for signals");
    else if ((rc = record_write(serve->record, why)) == RC_OK &&
             (rc = fuse_face_open(&fuse, &face, serve->record->face, why)) == RC_OK)
        rc = run(serve, fuse, signals, why);
    fuse_transport_close(fuse);
    if (!serve->device->read_only)
        flushed = device_flush(serve->device, rc == RC_OK ? why : NULL);
    if (rc == RC_OK && flushed == RC_OK && (errno = atomic_load(&face.lost)) != 0)
        flushed = fail_errno(why, RC_IO, "%s: cannot be written to", serve->record->target);
    if (rc == RC_OK && flushed == RC_OK)
        flushed = check_helper(serve, why);
    device_close(serve->device);
    if (signals >= 0)
        close(signals);
    return rc != RC_OK ? rc : flushed;
}
