#include "keep/command/open_record.h"

#include <stdio.h>
#include <unistd.h>

#include "keep/mount/unmount.h"

/* Nobody has asked 'keep close' about it, and so has not heard it yet. */
static void tell_loss(struct record *record, const char *target)
{
    if (!record->read_only && record->fault[0])
        fprintf(stderr, "keep: %s: was not saved when it was last open: %s\n", target,
                record->fault);
    else if (!record->read_only)
        fprintf(stderr,
                "keep: %s: its last daemon had died: what was not synced then is lost\n",
                target);
    record->fault[0] = '\0';
}

enum rc open_record_begin(struct record *record, const char *target, struct fault *why)
{
    bool stale;
    enum rc rc = record_begin(record, target, &stale, why);

    if (rc != RC_OK || !stale)
        return rc;
    rc = unmount_record(record, false, why);
    if (rc != RC_OK)
        return fault_at(why, "%s: what its last daemon left behind", target);
    if (record->made_mountpoint)
        rmdir(record->mountpoint);
    record->helper = 0;
    tell_loss(record, target);
    return RC_OK;
}

void open_record_end(struct record *record, enum rc rc, bool reported, const struct fault *why)
{
    if (record->made_mountpoint)
        rmdir(record->mountpoint);
    if (rc != RC_OK && reported) {
        snprintf(record->fault, sizeof record->fault, "%s", why->text);
        if (record_write(record, NULL) == RC_OK)
            return;
    }
    record_end(record);
}
