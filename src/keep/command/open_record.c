#include "keep/command/open_record.h"

#include <stdio.h>
#include <unistd.h>

#include "keep/mount/unmount.h"

/* Nobody has asked 'keep close' about it, and so has not heard it yet. */
static void tell_loss(const struct record *left, const char *target)
{
    if (!left->read_only && left->fault[0])
        fprintf(stderr, "keep: %s: was not saved when it was last open: %s\n", target,
                left->fault);
    else if (!left->read_only)
        fprintf(stderr,
                "keep: %s: its last daemon had died: what was not synced then is lost\n",
                target);
}

enum rc open_record_begin(struct record *record, const char *target, struct fault *why)
{
    struct record left;
    enum rc rc = record_begin(record, target, &left, why);

    if (rc != RC_OK)
        return rc;
    if (left.target[0]) {
        if ((rc = unmount_record(&left, false, why)) != RC_OK)
            return fault_at(why, "%s: what its last daemon left behind", target);
        if (left.made_mountpoint)
            rmdir(left.mountpoint);
        tell_loss(&left, target);
    }
    return record_clear(record, why);
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
