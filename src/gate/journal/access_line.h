/* One line of an access log: a template whose values, but not its own words, are escaped. */
#ifndef GATE_JOURNAL_ACCESS_LINE_H
#define GATE_JOURNAL_ACCESS_LINE_H

#include "base/buffer.h"
#include "gate/journal/journal_settings.h"

/*
 * Appends the line without a newline. A value that is missing is "-", with escape=json
 * nothing. Too small a buffer: what fits, and out->full is set.
 */
void access_line_write(const struct journal_format *format, void *subject, struct buffer *out);

/*
 * A value as that escape writes it. default: bytes below 0x20 and above 0x7e, '"' and '\' as
 * \xXX; json: as in a JSON string, bytes above 0x7e as they are; none: as it is.
 */
void access_line_escape(enum journal_escape escape, struct span value, struct buffer *out);

#endif
