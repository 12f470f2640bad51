/* The record of an opening, from before anything is done until all is closed. */
#ifndef KEEP_COMMAND_OPEN_RECORD_H
#define KEEP_COMMAND_OPEN_RECORD_H

#include "keep/mount/record.h"

/* What a daemon that was killed has left behind is cleared away, and told, first. As record_begin. */
enum rc open_record_begin(struct record *record, const char *target, struct fault *why);

/*
 * rc        what the opening came to
 * reported  nobody waits for it any more: a failure stays in the record, for 'keep close' to tell
 */
void open_record_end(struct record *record, enum rc rc, bool reported,
                     const struct fault *why);

#endif
