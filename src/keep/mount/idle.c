#include "keep/mount/idle.h"

#include "base/clock.h"
#include "base/log.h"
#include "keep/mount/unmount.h"

enum { LOOK_MS = 500 };

void idle_begin(struct idle *idle, uint64_t limit_ms)
{
    *idle = (struct idle){.limit_ms = limit_ms, .since = clock_ms()};
}

int idle_poll_ms(const struct idle *idle)
{
    return idle->limit_ms > 0 || idle->ends ? LOOK_MS : -1;
}

void idle_end(struct idle *idle, const struct record *record)
{
    struct fault why = {0};

    idle->ends = unmount_record(record, true, &why) != RC_OK;
    if (idle->ends)
        log_line(LOG_LEVEL_ERROR, "keep: %s", why.text);
}

void idle_look(struct idle *idle, const struct fuse_transport *fuse,
               const struct record *record)
{
    uint64_t requests = fuse_transport_requests(fuse);
    struct fault why;

    if (idle->ends) {
        (void)unmount_record(record, true, &why);
    } else if (requests != idle->requests) {
        idle->requests = requests;
        idle->since = clock_ms();
    } else if (clock_ms() - idle->since >= idle->limit_ms &&
               unmount_record(record, true, &why) != RC_OK) {
        idle->since = clock_ms();
        idle->requests = fuse_transport_requests(fuse); /* asking makes requests too */
    }
}
