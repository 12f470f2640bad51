#include "keep/mount/unmount.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "keep/mount/file_system.h"
#include "keep/mount/kernel_crypt.h"

enum {
    HELPER_MS = 120000, /* fuse2fs writes what it kept, once its mount is gone */
    GRACE_MS = 2000,    /* a client that has left drops the last references behind our back */
    POLL_US = 10000,
};

/* Until fuse2fs has ended; its file in the face stays open as long. */
static enum rc wait_for_helper(const struct record *record, struct fault *why)
{
    struct pollfd ended = {.events = POLLIN};
    int count;

    if (record->helper <= 0)
        return RC_OK;
    ended.fd = (int)syscall(SYS_pidfd_open, record->helper, 0);
    if (ended.fd < 0)
        return RC_OK; /* there is no such process any more */
    count = poll(&ended, 1, HELPER_MS);
    close(ended.fd);
    return count > 0 ? RC_OK
                     : fail(why, RC_BUSY, "%s: fuse2fs, process %d, is still writing",
                            record->mountpoint, record->helper);
}

static enum rc unmount_inner(const struct record *record, bool alive, struct fault *why)
{
    enum rc rc;

    if (!file_system_is_mounted(record->mountpoint))
        return RC_OK;
    if (alive && (rc = file_system_sync(record->mountpoint, why)))
        return rc;
    return file_system_unmount(record->mountpoint, why);
}

/* The daemon ends by itself when nobody is connected. */
static enum rc end_server(const struct record *record, bool alive, struct fault *why)
{
    uint64_t end = clock_ms() + GRACE_MS;

    if (!alive) {
        unlink(record->mountpoint);
        return RC_OK;
    }
    while (record_is_used(record) && clock_ms() < end)
        usleep(POLL_US);
    if (record_is_used(record))
        return fail(why, RC_BUSY, "%s: is still in use; disconnect its clients",
                    record->mountpoint);
    return kill(record->daemon, SIGTERM) == 0
               ? RC_OK
               : fail_errno(why, RC_IO, "its daemon, process %d", record->daemon);
}

/* What a mount namespace that was made meanwhile has a copy of lives on there, and holds the
 * face. The daemon ends once that is gone. */
static enum rc unmount_outer(const struct record *record, struct fault *why)
{
    enum rc rc = file_system_unmount_patiently(record->face, why);

    if (rc == RC_BUSY)
        return fail(
            why, rc,
            "%s: is unmounted here, and still in use: in a mount namespace of another "
            "program ('lsns -t mnt' lists them), or by what 'fuser -vm %s' lists; it is "
            "closed once that ends",
            record->mountpoint, record->face);
    return rc;
}

enum rc unmount_record(const struct record *record, bool alive, struct fault *why)
{
    enum rc rc;

    if (record->kernel[0])
        return kernel_crypt_close(strrchr(record->mountpoint, '/') + 1, why);
    if (record->nbd)
        return end_server(record, alive, why);
    if (record->raw && alive && (rc = file_system_sync(record->face, why)))
        return rc;
    if (!record->raw &&
        ((rc = unmount_inner(record, alive, why)) || (rc = wait_for_helper(record, why))))
        return rc;
    if (!file_system_is_mounted(record->face))
        return RC_OK;
    return record->raw ? file_system_unmount(record->face, why) : unmount_outer(record, why);
}
