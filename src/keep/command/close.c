#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "keep/command/command.h"
#include "keep/mount/unmount.h"

enum {
    DAEMON_MS = 120000,
    STALE_MS = 10000, /* nobody but who lists the records, and is soon through */
};

struct close_options {
    bool all, help;
};

static const struct option_row rows[] = {
    {"all", 'a', NULL, "Close everything that is open.", offsetof(struct close_options, all)},
    COMMAND_HELP_ROW(struct close_options),
    {0},
};

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

    if (rc != RC_OK || gone)
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

/* No daemon holds its record: we do, so that nobody opens it under our hands. */
static enum rc close_mapping(struct record *record, struct fault *why)
{
    bool gone;
    enum rc rc = record_wait(record, STALE_MS, &gone, why);

    if (rc != RC_OK || gone)
        return rc;
    if ((rc = unmount_record(record, true, why)) == RC_OK)
        record_end(record);
    else
        record_leave(record);
    return rc;
}

static enum rc close_one(struct record *record, bool alive, struct fault *why)
{
    enum rc rc;

    if (record->kernel[0])
        return close_mapping(record, why);
    if ((rc = unmount_record(record, alive, why)) != RC_OK)
        return rc;
    return alive ? await_daemon(record, why) : clear_stale(record, why);
}

enum { OPEN_MAX = 256 }; /* more than that are closed by another run */

struct all {
    struct record *records;
    bool alive[OPEN_MAX];
    size_t count;
};

static enum rc gather(void *of, const struct record *record, bool alive)
{
    struct all *all = of;

    if (all->count == OPEN_MAX)
        return RC_OK;
    all->records[all->count] = *record;
    all->alive[all->count++] = alive;
    return RC_OK;
}

/* Those that fail are told, but for the last, which is the fault; where not `finally`, those in use are
 * left for another time. */
static void close_each(struct all *all, bool finally, struct fault *why)
{
    size_t left = 0;

    for (size_t i = 0; i < all->count; i++) {
        struct fault this = {0};
        enum rc rc = close_one(&all->records[i], all->alive[i], &this);

        if (rc == RC_BUSY && !finally) {
            all->alive[left] = all->alive[i];
            all->records[left++] = all->records[i];
        } else if (rc != RC_OK) {
            if (why->rc != RC_OK)
                fprintf(stderr, "keep: %s\n", why->text);
            *why = this;
        }
    }
    all->count = left;
}

static enum rc close_all(struct fault *why)
{
    struct all all = {.records = calloc(OPEN_MAX, sizeof *all.records)};
    size_t before;
    enum rc rc;

    if (!all.records)
        return fail(why, RC_MEMORY, "no memory for what is open");
    rc = record_each(gather, &all, why);
    while (rc == RC_OK && (before = all.count) > 0) {
        close_each(&all, false, why);
        if (all.count == before) /* nothing that stood in another one has gone */
            close_each(&all, true, why);
    }
    free(all.records);
    return rc == RC_OK ? why->rc : rc;
}

static enum rc close_named(const char *word, struct fault *why)
{
    struct record record;
    bool alive;
    enum rc rc = record_find(&record, word, &alive, why);

    return rc == RC_OK ? close_one(&record, alive, why) : rc;
}

static enum status close_run(char **words, int count, struct fault *why)
{
    struct close_options options = {0};
    enum status status;

    if (!command_parse(&command_close, &options, &options.help, words, &count, 0, 1, &status,
                       why))
        return status;
    if (options.all == (count > 0))
        return command_status_of(
            fail(why, RC_USAGE, "close: name what is to be closed, or say --all"));
    return command_status_of(options.all ? close_all(why) : close_named(words[0], why));
}

const struct command command_close = {
    .name = "close",
    .operands = "TARGET|MOUNTPOINT|NAME",
    .doc = "Saves everything, unmounts, and forgets the key.",
    .rows = rows,
    .run = close_run,
};
