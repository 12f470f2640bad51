#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "keep/mount/nbd_server.h"
#include "keep/mount/serve.h"

/* True when the signal ends the server. */
static bool take_signal(const struct serve *serve, struct nbd_server *server, int signals)
{
    struct signalfd_siginfo info;

    if (read(signals, &info, sizeof info) != (ssize_t)sizeof info ||
        info.ssi_signo == SIGCHLD || (info.ssi_signo == SIGHUP && serve->daemon->report < 0))
        return false;
    if (nbd_server_is_used(server)) {
        log_line(LOG_LEVEL_ERROR, "keep: %s: is still in use", serve->record->mountpoint);
        return false;
    }
    return true;
}

static void run(struct serve *serve, struct nbd_server *server, int signals)
{
    struct pollfd events[] = {{.fd = nbd_server_fd(server), .events = POLLIN},
                              {.fd = signals, .events = POLLIN}};

    for (;;) {
        if (poll(events, 2, -1) < 0)
            continue;
        if (events[1].revents & POLLIN && take_signal(serve, server, signals))
            return;
        if (events[0].revents & POLLIN)
            nbd_server_accept(server);
    }
}

enum rc serve_nbd(struct serve *serve, struct fault *why)
{
    struct nbd_export export = {.size = serve->device->size,
                                .block_size = serve->sector_size,
                                .read_only = serve->device->read_only,
                                .trims = serve->discard};
    struct nbd_server *server = NULL;
    int signals = daemon_watch_signals();
    enum rc rc, flushed = RC_OK;

    if (signals < 0)
        rc = fail_errno(why, RC_IO, "no descriptor for signals");
    else if ((rc = nbd_server_open(&server, serve->device, &export, serve->record, why)) ==
                 RC_OK &&
             (rc = record_write(serve->record, why)) == RC_OK) {
        daemon_guard();
        serve->mounted(serve->record);
        daemon_report(serve->daemon);
        run(serve, server, signals);
    }
    nbd_server_close(server);
    if (!serve->device->read_only)
        flushed = device_flush(serve->device, rc == RC_OK ? why : NULL);
    device_close(serve->device);
    if (signals >= 0)
        close(signals);
    return rc != RC_OK ? rc : flushed;
}
