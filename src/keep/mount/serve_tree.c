#include "keep/mount/serve_tree.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "keep/mount/fuse_tree.h"
#include "keep/mount/idle.h"
#include "keep/mount/unmount.h"

enum {
    MEMORY_KEPT = 8 << 20,
    MEMORY_STEP = 256 << 10,
};

static void take_signal(struct serve_tree *serve, struct idle *idle, int signals)
{
    struct signalfd_siginfo info;

    if (read(signals, &info, sizeof info) == (ssize_t)sizeof info &&
        info.ssi_signo != SIGCHLD && (info.ssi_signo != SIGHUP || serve->daemon->report >= 0))
        idle_end(idle, serve->record);
}

static void wait_for_end(struct serve_tree *serve, struct fuse_transport *fuse, int signals)
{
    struct pollfd events[] = {{.fd = fuse_transport_ended_fd(fuse), .events = POLLIN},
                              {.fd = signals, .events = POLLIN}};
    struct idle idle;

    idle_begin(&idle, serve->idle_ms);
    while (!(events[0].revents & POLLIN)) {
        int count = poll(events, 2, idle_poll_ms(&idle));

        if (count > 0 && events[1].revents & POLLIN)
            take_signal(serve, &idle, signals);
        else if (count == 0)
            idle_look(&idle, fuse, serve->record);
    }
}

static enum rc run(struct serve_tree *serve, struct fuse_transport *fuse, int signals,
                   struct fault *why)
{
    enum rc rc = record_write(serve->record, why);

    if (rc != RC_OK) {
        (void)unmount_record(serve->record, true, NULL);
        return rc;
    }
    daemon_guard();
    serve->mounted(serve->record);
    daemon_report(serve->daemon);
    wait_for_end(serve, fuse, signals);
    return RC_OK;
}

/* A tree takes and gives back blocks with every write: what it gave back stays for the next one,
 * instead of being asked of the kernel again page by page. */
static void keep_memory(void)
{
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT);
    mallopt(M_TOP_PAD, MEMORY_STEP);
    mallopt(M_MMAP_THRESHOLD, MEMORY_KEPT);
}

enum rc serve_tree(struct serve_tree *serve, struct fault *why)
{
    struct fuse_tree face = {.tree = serve->tree, .lifetime = FUSE_TREE_LIFETIME};
    struct fuse_handler handler = {.answer = fuse_tree_answer, .of = &face};
    struct fuse_mount mount = {
        .directory = serve->record->face,
        .source = serve->record->target,
        .read_only = serve->record->read_only,
        .allow_other = serve->allow_other,
        .default_permissions = true,
    };
    struct fuse_transport *fuse = NULL;
    int signals = daemon_watch_signals(), lost;
    enum rc rc;

    keep_memory();
    if (signals < 0)
        rc = fail_errno(why, RC_IO, "no descriptor for signals");
    else if ((rc = record_write(serve->record, why)) == RC_OK &&
             (rc = fuse_transport_open(&fuse, &handler, &mount, why)) == RC_OK)
        rc = run(serve, fuse, signals, why);
    fuse_transport_close(fuse);
    lost = serve->tree->kind->close(serve->tree);
    if (signals >= 0)
        close(signals);
    if (rc == RC_OK && lost != 0) {
        errno = -lost;
        rc = fail_errno(why, RC_IO, "%s: cannot be written to", serve->record->target);
    }
    return rc;
}
