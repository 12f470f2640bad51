#include <unistd.h>

#include "keep/command/command.h"
#include "keep/mount/unmount.h"

enum { DAEMON_MS = 120000, STALE_MS = 200 };

struct close_options {
    bool help;
};

static const struct option_row rows[] = {COMMAND_HELP_ROW(struct close_options), {0}};

/* The daemon has seen its mount go: it writes what is left to be written, and ends. */
static enum rc await_daemon(struct record *record, struct fault *why)
{
    bool gone;
    enum rc rc = record_wait(record, DAEMON_MS, &gone, why);

    if (rc != RC_OK || gone)
        return rc;
    if (record->fault[0])
        rc = fail(why, RC_IO, "%s: closed, but not all of it was saved: %s", record->target,
                  record->fault);
    else
        rc = fail(why, RC_IO, "%s: its daemon died while it was closed; check what is in it",
                  record->target);
    record_end(record);
    return rc;
}

/* Only what is left of the mounts can go; what was not synced before is lost. */
static enum rc clear_stale(struct record *record, struct fault *why)
{
    bool gone;
    enum rc rc = record_wait(record, STALE_MS, &gone, why);

    if (rc != RC_OK)
        return rc;
    if (record->made_mountpoint)
        rmdir(record->mountpoint);
    rc = fail(why, RC_IO,
              record->fault[0]
                  ? "%s: was not saved when it ended: %s"
                  : "%s: its daemon had died: what was not synced before is lost%s",
              record->target, record->fault);
    record_end(record);
    return rc;
}

static enum status close_run(char **words, int count, struct fault *why)
{
    struct close_options options = {0};
    struct record record;
    enum status status;
    bool alive;
    enum rc rc;

    if (!command_parse(&command_close, &options, &options.help, words, &count, 1, 1, &status,
                       why))
        return status;
    if ((rc = record_find(&record, words[0], &alive, why)) ||
        (rc = unmount_record(&record, alive, why)))
        return command_status_of(rc);
    rc = alive ? await_daemon(&record, why) : clear_stale(&record, why);
    return command_status_of(rc);
}

const struct command command_close = {
    .name = "close",
    .operands = "TARGET|MOUNTPOINT",
    .doc = "Saves everything, unmounts, and forgets the key.",
    .rows = rows,
    .run = close_run,
};
